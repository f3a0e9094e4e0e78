"""A file that leaves no space on a disk, and takes what the server gives back meanwhile.

A server on a full disk removes files of its own (a journal, the index of a dropped collection).
Without more, that would end the fault before its time.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_BLOCK_BYTES = 4096
_LOOK_SECONDS = 0.05


class Filling:
    """From `start` to `stop` the disk is full; the file itself stays until it is removed."""

    def __init__(self, path: Callable[[], Path]) -> None:
        self._path = path
        self._over = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take all space, and return when there is none left; does nothing if it is taken."""
        if self._keeper is not None:
            return
        await asyncio.to_thread(_take_all, self._path())
        self._over.clear()
        self._keeper = asyncio.create_task(self._keep(), name=f"fill {self._path()}")

    async def stop(self) -> None:
        """Take no more; the file is not in use any more when this returns."""
        self._over.set()
        # It is done already when the event loop that it ran in was closed.
        if self._keeper is not None and not self._keeper.done():
            await self._keeper
        self._keeper = None

    async def _keep(self) -> None:
        while not self._over.is_set():
            # A disk that cannot be written for another reason is for the fault's proof to judge.
            with suppress(OSError):
                await asyncio.to_thread(_take_all, self._path())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), _LOOK_SECONDS)


def free_bytes(directory: Path) -> int:
    """Tell how much may still be written there."""
    stats = os.statvfs(directory)
    return stats.f_bavail * stats.f_frsize


def _take_all(path: Path) -> None:
    free = free_bytes(path.parent)
    if not free:
        return
    with path.open("ab", buffering=0) as file:
        with suppress(OSError):
            os.posix_fallocate(file.fileno(), file.tell(), free)
        with suppress(OSError):
            while True:
                file.write(bytes(_BLOCK_BYTES))
