"""Owns what Ctrl-C and SIGTERM do to a run: it is cancelled once, and cleans up undisturbed."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from harness.errors import HarnessError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

T = TypeVar("T")


class InterruptedRunError(HarnessError):
    """A signal ended the run; faults were healed and the lab was stopped first."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = 128 + number


async def interruptible(work: Coroutine[Any, Any, T], note: Callable[[str], None]) -> T:
    """Await `work`; the first signal cancels it, more of them are only noted.

    Raises `InterruptedRunError` when `work` has ended after a signal.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(work, name="run")
    received: list[int] = []

    def on_signal(number: int) -> None:
        received.append(number)
        if len(received) == 1:
            note(f"{signal.Signals(number).name}: healing and stopping the lab")
            task.cancel()
        else:
            note("still stopping; no server is left behind even if this process is killed")

    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    try:
        return await task
    except BaseException as error:
        if received:
            raise InterruptedRunError(received[0]) from error
        raise
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
