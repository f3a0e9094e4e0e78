"""Everything that scenarios have in common is the harness's pytest plugin."""

pytest_plugins = ["harness.pytest_plugin"]
