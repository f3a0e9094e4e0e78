"""The options of the plugin; those of the lab have the names that `chroma-chaos run` gives them."""

import os

import pytest

from harness.labs.administration import CLIENT_TOKEN_VARIABLE, TOKEN_VARIABLE
from harness.runner.lab_choice import LABS, LabOptions, decided


def add_options(parser: pytest.Parser) -> None:
    """Add them, in a group of their own."""
    group = parser.getgroup("chroma-chaos", "scenarios of chroma-chaos")
    group.addoption("--chaos-seed", type=int, help="seed of every run; a new one by default")
    group.addoption(
        "--keep-runs",
        action="store_true",
        help="keep the files of every run in .runs (or $CHROMA_CHAOS_RUNS), where "
        "`chroma-chaos list` finds them; by default they are in pytest's temporary directory",
    )
    group.addoption("--lab", help=f"where to run: {', '.join(LABS)}; --lb-url means remote")
    group.addoption("--lb-command", help="start this load balancer instead of our own")
    group.addoption("--lb-image", help="the same for --lab compose: its image")
    group.addoption("--lb-ready", help="a path that answers 200 when it is ready")
    group.addoption(
        "--lb-url",
        help="where the load balancer is that runs; its tokens are taken from "
        f"${CLIENT_TOKEN_VARIABLE} and ${TOKEN_VARIABLE}",
    )
    group.addoption("--primary-url", help="where the primary itself is")
    group.addoption(
        "--replica-url",
        action="append",
        default=[],
        help="where the replica itself is; may be repeated",
    )
    group.addoption(
        "--protect",
        action="append",
        default=[],
        metavar="NAME",
        help="never touch this collection, either; `global` is always protected",
    )


def lab_options(config: pytest.Config) -> LabOptions:
    """Read what was said of the lab; raises `UsageError` for what contradicts."""
    said = config.getoption
    return decided(
        LabOptions(
            lab=said("--lab"),
            lb_command=said("--lb-command"),
            lb_image=said("--lb-image"),
            lb_ready=said("--lb-ready"),
            lb_url=said("--lb-url"),
            primary_url=said("--primary-url"),
            replica_urls=tuple(said("--replica-url")),
            protected=tuple(said("--protect")),
            client_token=os.environ.get(CLIENT_TOKEN_VARIABLE, ""),
            admin_token=os.environ.get(TOKEN_VARIABLE, ""),
        )
    )
