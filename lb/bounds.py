"""The log's bounds: what it keeps for instances that are away, and when it takes no more.

An instance that lacks more than the bounds leaves the collections in which it is behind; it gets
copies of them when it is back.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from lb.catalogue import Collection
from lb.errors import LogFullError
from lb.instances import Instance
from lb.log_tail import LogTail
from lb.membership import Memberships
from lb.model import CollectionState

LOOK_SECONDS = 0.5
GRACE_SECONDS = 2.0
"""An instance is not given up in the moment in which the load balancer or a link comes back."""


@dataclass(frozen=True)
class Bounds:
    """How much may be kept for an instance that is away."""

    entries: int
    body_bytes: int
    age_seconds: float

    def excess(self, entries: int, body_bytes: int, age_seconds: float) -> str | None:
        """Say which bound is passed, if one is."""
        if entries > self.entries:
            return f"{entries} entries, more than {self.entries}"
        if body_bytes > self.body_bytes:
            return f"{body_bytes} bytes, more than {self.body_bytes}"
        if age_seconds > self.age_seconds:
            return f"entries {age_seconds:.0f} s old, older than {self.age_seconds:g} s"
        return None


class LogBounds:
    """Looks at instances that are away, and at what waits for any instance at all."""

    def __init__(self, tail: LogTail, memberships: Memberships, bounds: Bounds) -> None:
        self._tail = tail
        self._memberships = memberships
        self._bounds = bounds

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for instance in self._tail.fleet:
                await self.look(instance)

    async def look(self, instance: Instance) -> None:
        """Have an instance that is away leave what the log cannot keep for it."""
        if instance.is_serving or _age_seconds(instance.since) < GRACE_SECONDS:
            return
        lagging = list(self._tail.lagging(instance.name))
        heads = [c.lane.queues[instance.name][0] for c in lagging]
        excess = self._bounds.excess(
            sum(len(c.lane.queues[instance.name]) for c in lagging),
            sum(entry.body_bytes for c in lagging for entry in c.lane.queues[instance.name]),
            max((_age_seconds(entry.logged_at) for entry in heads), default=0.0),
        )
        ending = [c for c in lagging if self._is_kept_by_another(c, instance.name)]
        if excess is not None and ending:
            instance.note_abandoned(f"the log kept {excess}")
            await self._memberships.leave(ending, instance.name, f"the log kept {excess}")
        elif any(True for _ in self._tail.outside(instance.name)):
            # It left before a restart, or is new: what it lacks is in no log.
            instance.note_abandoned("it is away and lacks collections")

    def check_room(self) -> None:
        """Raise `LogFullError` when what waits for an instance to take it passes a bound."""
        waiting = self._tail.unsettled
        oldest = next(iter(waiting.values()), None)
        excess = self._bounds.excess(
            # One more is about to come.
            len(waiting) + 1,
            self._tail.unsettled_bytes,
            _age_seconds(oldest.logged_at) if oldest is not None else 0.0,
        )
        if waiting and excess is not None and not self._is_every_lane_served():
            raise LogFullError(
                f"no instance takes writes, and the log holds {excess}; nothing was done, try again"
            )

    def _is_every_lane_served(self) -> bool:
        """Tell whether for all that waits there is an instance that is about to take it."""
        return all(
            any(self._tail.fleet[name].is_serving for name in collection.lane.members)
            for collection in self._tail.unfinished()
        )

    def _is_kept_by_another(self, collection: Collection, instance: str) -> bool:
        """Tell whether a member that serves has all that the instance has of the collection."""
        lane = collection.lane
        if collection is self._tail.catalogue.namespaces:
            return False  # It is short, and nobody can get a copy of it.
        return collection.state in (CollectionState.ACTIVE, CollectionState.DROPPING) and any(
            name != instance
            and self._tail.fleet[name].is_serving
            and lane.applied[name] >= lane.applied[instance]
            for name in lane.members
        )


def _age_seconds(since: datetime) -> float:
    return (datetime.now(UTC) - since).total_seconds()
