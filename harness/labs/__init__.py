"""Labs: environments under test that can be started, described, broken and stopped."""
