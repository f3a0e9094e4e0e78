"""Owns the record of what servers cost during a run: one JSON line a server and second."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from harness.labs.base import Lab

_INTERVAL_SECONDS = 1.0


async def sample(
    lab: Lab,
    path: Path,
    clock: Callable[[], int],
    tick: Callable[[], None],
    over: asyncio.Event,
) -> None:
    """Append samples to `path` and call `tick` every second until `over` is set."""
    with path.open("ab", buffering=0) as file:
        while not over.is_set():
            at_ns = clock()
            for cost in lab.samples():
                line = {"at_ns": at_ns, **msgspec.to_builtins(cost)}
                file.write(msgspec.json.encode(line) + b"\n")
            tick()
            try:
                await asyncio.wait_for(over.wait(), _INTERVAL_SECONDS)
            except TimeoutError:
                continue
