"""Waiting for one thing, and beginning another beside it only if that takes long.

A task for each thing that is nearly always quick would cost more than the thing itself.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")
Backup = Callable[[asyncio.Future[Result]], Coroutine[Any, Any, Result]]
"""What is begun beside the first thing; it is given a future of what that brings."""


async def with_backup(
    first: Coroutine[Any, Any, Result], delay_seconds: float, backup: Backup[Result]
) -> Result:
    """Await `first` in the caller's own task; after the delay `backup` decides what is returned.

    `first` goes on meanwhile, and is cancelled when the backup ends before it. Who is cancelled
    leaves nothing behind.
    """
    loop = asyncio.get_running_loop()
    hedge = _Hedge(backup, asyncio.current_task(loop))
    timer = loop.call_later(delay_seconds, hedge.begin)
    try:
        try:
            result = await first
        finally:
            timer.cancel()
            hedge.is_first_over = True
    except asyncio.CancelledError:
        if hedge.task is None:
            raise
        if hedge.has_interrupted():
            return hedge.task.result()
        hedge.task.cancel()
        await asyncio.gather(hedge.task, return_exceptions=True)
        raise
    except Exception as error:
        if hedge.task is None:
            raise
        hedge.tell_error(error)
    else:
        if hedge.task is None:
            return result
        hedge.tell_result(result)
    return await hedge.task


class _Hedge(Generic[Result]):
    """The backup, once it has begun, and the task that waits for the first thing."""

    def __init__(self, backup: Backup[Result], asker: "asyncio.Task[Any] | None") -> None:
        self.task: asyncio.Task[Result] | None = None
        self.is_first_over = False
        self._backup = backup
        self._is_interrupting = False
        self._asker = asker

    def begin(self) -> None:
        """Begin the backup: the first thing takes long."""
        assert self._asker is not None
        self._cancelling = self._asker.cancelling()
        self._of_first: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._backup(self._of_first), name="backup")
        self.task.add_done_callback(self._interrupt)

    def tell_result(self, result: Result) -> None:
        """Tell the backup what the first thing brought, if it still wants to know."""
        if not self._of_first.done():
            self._of_first.set_result(result)

    def tell_error(self, error: Exception) -> None:
        """Tell the backup how the first thing failed, if it still wants to know."""
        if not self._of_first.done():
            self._of_first.set_exception(error)

    def has_interrupted(self) -> bool:
        """Tell whether it was the backup, and nobody else, that cancelled the first thing."""
        assert self._asker is not None
        return self._is_interrupting and self._asker.uncancel() <= self._cancelling

    def _interrupt(self, _: asyncio.Task[Result]) -> None:
        assert self._asker is not None
        if not self.is_first_over:
            self._is_interrupting = True
            self._asker.cancel()
