"""The options that say where to run, and how a system that runs already is reached."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import reduce
from typing import Any, TypeVar

import click

from harness.labs.administration import CLIENT_TOKEN_VARIABLE, TOKEN_VARIABLE
from harness.runner.lab_choice import LABS, REMOTE, LabOptions, decided

Command = TypeVar("Command", bound=Callable[..., Any])

LB_URL = click.option("--lb-url", metavar="URL", help="Where the load balancer is that runs.")
PROTECT = click.option(
    "--protect",
    "protected",
    metavar="NAME",
    multiple=True,
    help="Never touch this collection, either; `global` is always protected. May be repeated.",
)
CLIENT_TOKEN = click.option(
    "--client-token",
    metavar="TOKEN",
    default="",
    envvar=CLIENT_TOKEN_VARIABLE,
    help=f"Sent along with every request to the load balancer; better in {CLIENT_TOKEN_VARIABLE}.",
)
_OF_LABS_OF_OURS = (
    click.option("--lb-command", help="Start this load balancer instead of our own."),
    click.option("--lb-image", metavar="IMAGE", help="The same for --lab compose: its image."),
    click.option("--lb-ready", metavar="PATH", help="A path that answers 200 when it is ready."),
)
_OPTIONS = (
    click.option("--lab", help=f"Where to run: {', '.join(LABS)}; --lb-url means remote."),
    *_OF_LABS_OF_OURS,
    LB_URL,
    click.option("--primary-url", metavar="URL", help="Where the primary itself is."),
    click.option(
        "--replica-url",
        "replica_urls",
        metavar="URL",
        multiple=True,
        help="Where the replica itself is; may be repeated.",
    ),
    PROTECT,
    CLIENT_TOKEN,
    click.option(
        "--admin-token",
        metavar="TOKEN",
        default="",
        envvar=TOKEN_VARIABLE,
        help=f"Lets the load balancer force an instance's health; better in {TOKEN_VARIABLE}.",
    ),
)


def lab_options(command: Command) -> Command:
    """Give a command all these options; `options_of` reads them."""
    return reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), command)


def own_lab_options(command: Command) -> Command:
    """Give a command those of labs that are started for it."""
    labs = ", ".join(name for name in LABS if name != REMOTE)
    options = (click.option("--lab", help=f"Where to run: {labs}."), *_OF_LABS_OF_OURS)
    return reduce(lambda decorated, option: option(decorated), reversed(options), command)


def options_of(said: Mapping[str, Any]) -> tuple[LabOptions, dict[str, Any]]:
    """Make the options of what was said of the lab, and give back what was said of other things.

    Raises `UsageError` for what contradicts.
    """
    of_lab = {field.name for field in fields(LabOptions)}
    options = LabOptions(**{name: value for name, value in said.items() if name in of_lab})
    others = {name: value for name, value in said.items() if name not in of_lab}
    return decided(options), others
