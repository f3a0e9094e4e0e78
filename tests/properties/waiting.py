"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable

INTERVAL_SECONDS = 0.02


def wait_until(condition: Callable[[], bool], what: str, timeout_seconds: float) -> None:
    """Return as soon as the condition holds; fails with what was waited for."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, f"not seen within {timeout_seconds:g} s: {what}"
        time.sleep(INTERVAL_SECONDS)
