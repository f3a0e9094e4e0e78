"""Memberships: which instances have a collection, or get it from the log; and what must go.

Memory moves first when an instance leaves, so that nobody asks it any more; PostgreSQL first when
one joins, so that it never counts on a cursor that is not there. Copying itself is elsewhere.
"""

import asyncio
import logging
from collections.abc import Sequence
from uuid import UUID

from lb.catalogue import Collection
from lb.log_tail import LogTail
from lb.model import Leftover, Membership, Progress
from lb.wal import Wal

log = logging.getLogger(__name__)


class Memberships:
    """Ends and begins memberships, durably.

    Invariant: a collection keeps one member at least, and what an instance has of a collection
    that it is not a member of is a leftover, to be deleted before anything is copied there.
    """

    def __init__(self, tail: LogTail, wal: Wal) -> None:
        self._tail = tail
        self._wal = wal

    async def leave(self, collections: Sequence[Collection], instance: str, cause: str) -> None:
        """End those memberships of an instance that can end, in one commit."""
        ending = [c for c in collections if can_leave(c, instance)]
        if not ending:
            return
        log.warning("%s leaves %s collections: %s", instance, len(ending), cause)
        writes = [self._leave(collection, instance) for collection in ending]
        self._tail.on_freed()
        await asyncio.gather(*(self._wal.record(progress) for progress in writes))

    def _leave(self, collection: Collection, instance: str) -> Progress:
        uuid = collection.uuids.get(instance)
        mapping = self._tail.catalogue.map(collection, instance, None)
        leftover = None if uuid is None else self._noted(collection, instance, uuid)
        ended = Membership(collection.id, instance, None)
        gone = self._tail.leave(collection, instance)
        change = collection.as_change() if gone else None
        return Progress(mapping=mapping, membership=ended, leftover=leftover, collection=change)

    async def join(self, collection: Collection, copy: Leftover, like: str) -> None:
        """Make a finished copy a member's collection, where the held member `like` is."""
        position = collection.lane.applied[like]
        mapping = self._tail.catalogue.map(collection, copy.instance, copy.uuid)
        joined = Membership(collection.id, copy.instance, position)
        await self._wal.record(Progress(mapping=mapping, membership=joined, removed=copy))
        self._tail.leftovers.release_name(copy.instance)
        self._tail.join(collection, copy.instance, like)

    async def note_leftover(self, collection: Collection, instance: str, uuid: UUID) -> Leftover:
        """Note that the instance has what it must not keep."""
        leftover = self._noted(collection, instance, uuid)
        await self._wal.record(Progress(leftover=leftover))
        return leftover

    async def note_copy(self, collection: Collection, instance: str, uuid: UUID) -> Leftover:
        """Note a copy that is begun: what remains of it after a crash is a leftover."""
        name = collection.name
        copy = Leftover(instance, uuid, name.tenant, name.database)
        await self._wal.record(Progress(leftover=copy))
        return copy

    def give_up(self, copy: Leftover) -> None:
        """Have an unfinished copy deleted."""
        self._tail.leftovers.add(copy)
        self._tail.leftovers.release_name(copy.instance)

    async def removed(self, leftover: Leftover) -> None:
        """Note that the instance no longer has the leftover."""
        self._tail.leftovers.discard(leftover)
        await self._wal.record(Progress(removed=leftover))
        self._tail.on_freed()

    def _noted(self, collection: Collection, instance: str, uuid: UUID) -> Leftover:
        name = collection.name
        leftover = Leftover(instance, uuid, name.tenant, name.database)
        self._tail.leftovers.add(leftover)
        return leftover


def can_leave(collection: Collection, instance: str) -> bool:
    """Tell whether the membership may end: not the last one, nor one that is being copied."""
    lane = collection.lane
    return lane.is_member(instance) and len(lane.members) > 1 and instance not in lane.held
