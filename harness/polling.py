"""Owns how the harness waits: it looks again and again until it sees, or its time is over."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from harness.errors import HarnessError

T = TypeVar("T")


async def poll_until(
    see: Callable[[], Awaitable[T | None]],
    timeout_seconds: float,
    failure: Callable[[], HarnessError],
    interval_seconds: float = 0.02,
) -> T:
    """Call `see` until it returns something true, and return that; else raise `failure()`.

    A `see` that hangs is cut short when the time is over.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            while True:
                if seen := await see():
                    return seen
                await asyncio.sleep(interval_seconds)
    except TimeoutError:
        raise failure() from None
