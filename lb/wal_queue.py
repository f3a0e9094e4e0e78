"""What waits for a commit of the log: entries to append, and progress to note; nothing is written.

Everything is taken from here in the order in which it came.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from lb.model import CollectionChange, Entry, Progress
from lb.wal_rounds import first_round

SOON_SECONDS = 0.01
"""How long progress that nobody waits for may wait for a commit that is made anyway."""


@dataclass(eq=False)
class Append:
    """An entry on its way into the log: what to do when it is there, or when it was refused."""

    entry: Entry
    deliver: Callable[[], None]
    undo: Callable[[], None]
    change: CollectionChange | None = None


@dataclass(eq=False)
class Note:
    """Progress on its way into the log, and who waits for it to be there."""

    progress: tuple[Progress, ...]
    written: asyncio.Event = field(default_factory=asyncio.Event)


class WalQueue:
    """Appends and notes. Invariant: no append is taken before a note that came before it."""

    def __init__(self) -> None:
        self._appends: list[Append] = []
        self._notes: list[Note] = []
        self._soon: list[Note] = []
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._appends) + len(self._notes) + len(self._soon)

    def append(self, append: Append) -> None:
        """Queue an entry."""
        self._appends.append(append)
        self._wake.set()

    def note(self, note: Note) -> None:
        """Queue progress that somebody waits for."""
        self._notes.append(note)
        self._wake.set()

    def note_soon(self, note: Note) -> None:
        """Queue progress that waits for a commit that is made anyway, but not for long."""
        self._soon.append(note)
        if len(self._soon) == 1:
            self._wake.set()

    def wake(self) -> None:
        """Let who waits for work look again."""
        self._wake.set()

    def hasten(self) -> None:
        """Wait no longer with what is due soon: somebody may have to wait for it."""
        self._notes, self._soon = self._notes + self._soon, []

    async def is_due(self, *, at_once: bool) -> bool:
        """Tell whether there is work, after a moment for more if nobody waits for what there is."""
        if self._appends or self._notes:
            return True
        if self._soon and not at_once:
            await self.wait(SOON_SECONDS)
        return len(self) > 0

    async def wait(self, seconds: float) -> bool:
        """Wait for something to be queued; False when nothing was in that time."""
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        return self._wake.is_set()

    def take_notes(self) -> list[Note]:
        """Take all notes."""
        self.hasten()
        notes, self._notes = self._notes, []
        return notes

    def take(self) -> tuple[list[Append], list[Note]]:
        """Take the appends of a round and all notes, at one moment."""
        count = first_round([append.entry for append in self._appends])
        appends, self._appends = self._appends[:count], self._appends[count:]
        return appends, self.take_notes()

    def put_back(self, notes: list[Note]) -> None:
        """Queue notes again that were taken and not written."""
        self._notes = notes + self._notes

    def refuse(self, *taken: Append) -> None:
        """Undo what was taken and all appends that wait, the last one first.

        Each one was decided in the light of those before it.
        """
        waiting, self._appends = self._appends, []
        for append in reversed((*taken, *waiting)):
            append.undo()
