"""Owns the search for the smallest schedule that still fails: its faults, its time, its clients.

Does not know how a schedule is tried; whoever asks decides what it is that still fails.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec

from harness.model.schedule import Schedule
from harness.runner.ddmin import ddmin

Fails = Callable[[Schedule], Awaitable[bool]]
T = TypeVar("T")


class Shrinker:
    """Makes a failing schedule smaller; `smallest` has failed, whenever the search is ended."""

    def __init__(self, schedule: Schedule, clients: Sequence[str], fails: Fails) -> None:
        self.smallest = schedule
        self._clients = clients
        self._fails = fails

    async def shrink(self) -> Schedule:
        """Leave out faults, then the time after the last one, then clients.

        The faults go first, because a schedule with few of them is what a person understands; and
        the time before the clients, because it makes each try shorter.
        """
        await self._shrink_faults()
        await self._drop_trailing_time()
        await self._shrink_clients()
        return self.smallest

    async def _shrink_faults(self) -> None:
        await self._minimise(
            self.smallest.faults,
            lambda kept: msgspec.structs.replace(self.smallest, faults=kept),
        )

    async def _drop_trailing_time(self) -> None:
        ends_seconds = max((f.at_seconds + f.seconds for f in self.smallest.faults), default=0.0)
        if ends_seconds < self.smallest.seconds:
            await self._try(msgspec.structs.replace(self.smallest, seconds=ends_seconds))

    async def _shrink_clients(self) -> None:
        await self._minimise(
            self._clients,
            # Nobody would see anything fail without a client; and no name means all of them.
            lambda kept: msgspec.structs.replace(self.smallest, clients=kept) if kept else None,
        )

    async def _minimise(
        self, items: Sequence[T], with_only: Callable[[tuple[T, ...]], Schedule | None]
    ) -> None:
        search = ddmin(items)
        try:
            kept = next(search)
            while True:
                candidate = with_only(kept)
                kept = search.send(candidate is not None and await self._try(candidate))
        except StopIteration:
            return

    async def _try(self, candidate: Schedule) -> bool:
        fails = await self._fails(candidate)
        if fails:
            self.smallest = candidate
        return fails
