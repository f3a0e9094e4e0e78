"""The options of `run` and `soak` that say what clients do, and the words that repeat them."""

from collections.abc import Callable
from dataclasses import fields
from functools import reduce
from typing import Any, TypeVar

import click

from harness.errors import UsageError
from harness.workloads.registry import WORKLOADS, workload_named
from harness.workloads.settings import Addressing, Loop, WorkloadSettings

Command = TypeVar("Command", bound=Callable[..., Any])

_DEFAULTS = WorkloadSettings()

WORKLOADS_HELP = "\b\nWorkloads:\n" + "\n".join(
    f"  {workload.name:<10} {workload.does}" for workload in WORKLOADS.values()
)

# The option of each field of the settings, by its name on the command line.
_OPTIONS: dict[str, tuple[str, Any, str]] = {
    "name": ("--workload", str, "What clients do: one of the workloads below."),
    "clients": ("--clients", click.IntRange(1, 200), "How many client processes work."),
    "collections": ("--collections", click.IntRange(1, 100), "How many collections they share."),
    "operations_per_second": (
        "--rate",
        click.FloatRange(0, 1000, min_open=True),
        "Operations per second, of all clients together; only in the open loop.",
    ),
    "loop": (
        "--loop",
        click.Choice([loop.value for loop in Loop]),
        "When a client goes on: at its time (open), or when it was answered (closed).",
    ),
    "think_seconds": (
        "--think",
        click.FloatRange(0, 60),
        "Seconds from an answer to the client's next operation; only in the closed loop.",
    ),
    "skew": (
        "--skew",
        click.FloatRange(0, 5),
        "How uneven documents and collections are chosen: the exponent of Zipf's law.",
    ),
    "text_bytes": (
        "--document-bytes",
        click.IntRange(0, 100_000),
        "How long the text of a document is at least.",
    ),
    "dimensions": ("--dimensions", click.IntRange(1, 4096), "How long an embedding is."),
    "addressing": (
        "--addressing",
        click.Choice([addressing.value for addressing in Addressing]),
        "How paths name collections; plain Chroma takes only ids.",
    ),
}


def workload_options(command: Command) -> Command:
    """Give a command all these options; each is `None` where it is not said."""

    def add(decorated: Command, field: str) -> Command:
        option, kind, text = _OPTIONS[field]
        default = getattr(_DEFAULTS, field)
        shown = f"{text}  [default: {default}]"
        return click.option(option, field, type=kind, help=shown)(decorated)

    return reduce(add, reversed(_OPTIONS), command)


def settings_of(said: dict[str, Any]) -> WorkloadSettings:
    """Make the settings of what was said; raises `UsageError` for words that contradict."""
    words = {name: value for name, value in said.items() if value is not None}
    loop = Loop(words.get("loop", _DEFAULTS.loop))
    if loop is Loop.CLOSED and "operations_per_second" in words:
        raise UsageError("--rate is the pace of the open loop: leave it out, or --loop closed")
    if loop is Loop.OPEN and "think_seconds" in words:
        raise UsageError("--think is the pace of the closed loop: say --loop closed, too")
    workload_named(words.get("name", _DEFAULTS.name))
    words["loop"] = loop
    words["addressing"] = Addressing(words.get("addressing", _DEFAULTS.addressing))
    return WorkloadSettings(**words)


def words_of(settings: WorkloadSettings) -> list[str]:
    """Give the words that make these settings again."""
    words: list[str] = []
    for field in fields(settings):
        value = getattr(settings, field.name)
        if value != getattr(_DEFAULTS, field.name):
            text = f"{value:g}" if isinstance(value, float) else str(value)
            words += [_OPTIONS[field.name][0], text]
    return words
