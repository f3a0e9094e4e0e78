"""The part of the log that some member has not applied, in memory, and who must hear of it.

One object that writes, appliers and reads share: entries come in from the log, leave when every
member of their lane has applied them, and waiters are told whenever something moved.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from lb.catalogue import Catalogue, Collection, Name
from lb.instances import Fleet
from lb.lanes import Lane
from lb.leftovers import Leftovers
from lb.model import STRUCTURAL, Answer, CollectionState, Dependency, Entry, Kind
from lb.paths import parse_target

FOLLOW_SECONDS = 0.5
"""How long a body stays in memory for those who follow, when a client waits for its room."""


class LogTail:
    """Entries in flight by transaction, and collections with a backlog by instance."""

    def __init__(self, fleet: Fleet, catalogue: Catalogue) -> None:
        self.fleet = fleet
        self.catalogue = catalogue
        self.end = 0
        self.leftovers = Leftovers()
        self.unsettled: dict[int, Entry] = {}
        """Entries without an outcome by position, the oldest first."""
        self.unsettled_bytes = 0
        self._by_transaction: dict[str, Entry] = {}
        self._settled_bodies: dict[int, Entry] = {}
        """Entries with an outcome whose body is in memory for those who follow, oldest first."""
        self._lagging: dict[str, dict[Collection, None]] = {name: {} for name in fleet.names}
        self._collections: dict[UUID, Collection] = {}
        self._moved = asyncio.Event()
        self._gathered: dict[Collection, None] | None = None
        self.on_change: Callable[[Collection], None] = lambda _: None
        self.on_freed: Callable[[], None] = lambda: None
        self.on_settled: Callable[[Entry], None] = lambda _: None
        self.is_short: Callable[[], bool] = lambda: False
        """Whether a client waits for the room that bodies in memory take."""

    def __len__(self) -> int:
        return len(self._by_transaction)

    @property
    def is_drained(self) -> bool:
        """Whether every instance has applied all that it is to apply."""
        return not any(self._lagging.values())

    def add(self, collection: Collection, entry: Entry) -> None:
        """Take in an entry that the log holds."""
        self.end = max(self.end, entry.position)
        self._by_transaction[entry.transaction_id] = entry
        if entry.kind is Kind.DROP:
            self.catalogue.drop(collection, entry)
        if entry.outcome is None:
            self.unsettled[entry.position] = entry
            self.unsettled_bytes += entry.body_bytes
        collection.lane.append(entry)
        self._collections[collection.id] = collection
        for name, queue in collection.lane.queues.items():
            if queue:
                self._lagging[name][collection] = None
        if entry.told_to_wait:
            self.release_body(entry)
        if self._gathered is None:
            self.on_change(collection)
        else:
            self._gathered[collection] = None

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Tell of entries that come in meanwhile at the end, once for each collection."""
        self._gathered = {}
        try:
            yield
        finally:
            gathered, self._gathered = self._gathered, None
            for collection in gathered:
                self.on_change(collection)

    def register(self, entry: Entry) -> None:
        """Know an entry by its transaction id before it is logged."""
        self._by_transaction[entry.transaction_id] = entry

    def unregister(self, entry: Entry) -> None:
        """Forget an entry that the log refused."""
        self._by_transaction.pop(entry.transaction_id, None)
        self._forget_body(entry)

    def by_transaction(self, transaction_id: str) -> Entry | None:
        """Find an entry that is not applied everywhere yet."""
        return self._by_transaction.get(transaction_id)

    def entries(self) -> tuple[Entry, ...]:
        """Return the entries that are not applied everywhere yet."""
        return tuple(self._by_transaction.values())

    def lagging(self, instance: str) -> Iterator[Collection]:
        """Return the collections in which the instance has entries to apply."""
        return iter(tuple(self._lagging[instance]))

    def unfinished(self) -> Iterator[Collection]:
        """Return the collections in which any instance has entries to apply."""
        return iter(tuple(self._collections.values()))

    def backlog(self, instance: str) -> int:
        """Count the entries that the instance has not applied."""
        return sum(len(c.lane.queues[instance]) for c in self._lagging[instance])

    def oldest(self) -> Entry | None:
        """Return the entry that has waited longest for some instance."""
        heads = [
            head
            for name, collections in self._lagging.items()
            for collection in collections
            if (head := collection.lane.next_entry(name)) is not None
        ]
        return min(heads, key=lambda entry: entry.position, default=None)

    def is_behind(self, instance: str, position: int) -> bool:
        """Tell whether the instance can apply an entry up to the position, and has not yet.

        What is held for an administrator keeps no instance from being well.
        """
        return any(
            head.position <= position and not head.is_held
            for collection in self._lagging[instance]
            if (head := collection.lane.next_entry(instance)) is not None
        )

    def is_incomplete(self, instance: str, position: int) -> bool:
        """Tell whether the instance is behind the position, or lacks a collection."""
        return self.is_behind(instance, position) or any(True for _ in self.outside(instance))

    def outside(self, instance: str) -> Iterator[Collection]:
        """Return the collections that clients see and the instance is not a member of."""
        for collection in self.catalogue:
            if collection.state is CollectionState.ACTIVE and not collection.lane.is_member(
                instance
            ):
                yield collection

    def settle(self, collection: Collection, entry: Entry, answer: Answer) -> bool:
        """Give the entry its outcome; False when it has one, which then stands."""
        if entry.outcome is not None:
            return False
        entry.outcome, entry.settled_at = answer, datetime.now(UTC)
        if self.unsettled.pop(entry.position, None) is not None:
            self.unsettled_bytes -= entry.body_bytes
        if answer.has_effect:
            collection.lane.acknowledge(entry)
        self.settle_names(collection, entry)
        if not all(self.fleet[name].is_serving for name in collection.lane.queues):
            self.release_body(entry)
        elif entry.share is not None and entry.resolved_body is None:
            self._settled_bodies[entry.position] = entry
        entry.settled.set()
        self.on_settled(entry)
        self.notify()
        return True

    def release_body(self, entry: Entry) -> None:
        """Let the body rest in PostgreSQL alone, once it is there: nobody needs it soon."""
        if entry.position <= self.end:
            self._forget_body(entry)

    def make_room(self) -> None:
        """Release bodies while a client waits for room: those with an outcome, oldest first.

        Instances that have not applied them by now read them back from PostgreSQL, so that one
        that is slow keeps no client waiting. What is younger stays, because an instance that keeps
        pace is about to need it. So does what was made repeatable, and what has no outcome: its
        client waits, and gives up before long.
        """
        while self._settled_bodies and self.is_short():
            position, entry = next(iter(self._settled_bodies.items()))
            assert entry.settled_at is not None
            if (datetime.now(UTC) - entry.settled_at).total_seconds() < FOLLOW_SECONDS:
                return
            del self._settled_bodies[position]
            self.release_body(entry)

    def _forget_body(self, entry: Entry) -> None:
        entry.body = entry.resolved_body = None
        self._settled_bodies.pop(entry.position, None)
        if entry.share is not None:
            entry.share.let_go()
            entry.share = None

    def settle_names(self, collection: Collection, entry: Entry) -> None:
        """Tell the catalogue what became of an entry, or that the log refused it."""
        if entry.kind is Kind.CREATE:
            self.catalogue.settle_create(collection, entry)
        elif entry.kind is Kind.DROP:
            collection.unblock(entry)
        elif entry.new_name is not None:
            name = collection.name
            new_name = Name(name.tenant, name.database, entry.new_name)
            self.catalogue.settle_rename(collection, new_name, entry)

    def advance(self, collection: Collection, instance: str, entry: Entry) -> bool:
        """Move an instance past the entry; True when a dropped collection is gone with it."""
        lane = collection.lane
        lane.advance(instance, entry)
        if not lane.queues[instance]:
            self._lagging[instance].pop(collection, None)
        self._let_go(lane, entry)
        gone = self._close(collection)
        if entry.kind in STRUCTURAL or not self.catalogue.namespaces.lane.is_drained:
            self.on_freed()
        self.notify()
        return gone

    def leave(self, collection: Collection, instance: str) -> bool:
        """End an instance's membership; True when a dropped collection is gone with it."""
        lane = collection.lane
        queue = lane.queues[instance]
        lane.leave(instance)
        self._lagging[instance].pop(collection, None)
        for entry in queue:
            self._let_go(lane, entry)
        gone = self._close(collection)
        self.on_change(collection)
        self.notify()
        return gone

    def join(self, collection: Collection, instance: str, like: str) -> None:
        """Make the instance a member that is where another member is."""
        collection.lane.join(instance, like)
        if collection.lane.queues[instance]:
            self._lagging[instance][collection] = None
        self.on_freed()
        self.notify()

    def _let_go(self, lane: Lane, entry: Entry) -> None:
        if all(cursor >= entry.position for cursor in lane.cursors.values()):
            self._by_transaction.pop(entry.transaction_id, None)
            self._forget_body(entry)

    def _close(self, collection: Collection) -> bool:
        """Put a collection without a backlog away; True when it was dropped and is gone now."""
        if not collection.lane.is_drained:
            return False
        self._collections.pop(collection.id, None)
        if collection.state is not CollectionState.DROPPING or collection.uuids:
            return False
        collection.move_to(CollectionState.DROPPED)
        self.catalogue.forget(collection)
        return True

    def is_applied_by_all_that_serve(self, entry: Entry) -> bool:
        """Tell whether every healthy member of its lane has the entry."""
        collection = self._collections.get(entry.lane_id)
        return collection is None or all(
            collection.lane.applied[name] >= entry.position
            for name in collection.lane.members
            if self.fleet[name].is_serving
        )

    def is_served_elsewhere(self, entry: Entry, instance: str) -> bool:
        """Tell whether another member of the entry's lane takes writes now."""
        collection = self._collections.get(entry.lane_id)
        return collection is not None and any(
            name != instance and self.fleet[name].is_serving for name in collection.lane.members
        )

    def is_in_turn(self, entry: Entry, instance: str) -> bool:
        """Tell whether the instance has applied what an entry of another lane has to wait for.

        A create waits for all earlier writes of databases, and the end of a database for all
        earlier writes inside it.
        """
        if entry.kind is Kind.CREATE:
            earlier = self.catalogue.namespaces.lane.next_entry(instance)
            if earlier is not None and earlier.position < entry.position:
                return False
        if entry.kind is Kind.DROP_DATABASE and self._is_in_use(entry, instance):
            return False
        return self._is_satisfied(entry.after, instance)

    def _is_in_use(self, entry: Entry, instance: str) -> bool:
        target = parse_target("DELETE", entry.path)
        inside = (target.tenant, target.database)
        heads = (
            collection.lane.next_entry(instance)
            for collection in self._lagging[instance]
            if (collection.name.tenant, collection.name.database) == inside
        )
        return any(head is not None and head.position < entry.position for head in heads)

    def _is_satisfied(self, dependency: Dependency | None, instance: str) -> bool:
        if dependency is None:
            return True
        holder = self._collections.get(dependency.lane_id)
        if holder is None or not holder.lane.is_member(instance):
            return True
        return holder.lane.applied[instance] >= dependency.position

    def is_name_free(self, entry: Entry, instance: str) -> bool:
        """Tell whether nothing that is to be deleted on the instance is in the entry's way.

        That is a collection with the name that it needs, or inside the database that it ends.
        """
        if entry.kind is Kind.DROP_DATABASE:
            return not self.leftovers.on(instance)
        collection = self.catalogue.get(entry.lane_id)
        if collection is None or (entry.kind is not Kind.CREATE and entry.new_name is None):
            return True
        return self.leftovers.is_free(instance, entry.new_name or collection.name.name)

    def notify(self) -> None:
        """Wake everybody who waits for something to move."""
        self._moved.set()
        self._moved = asyncio.Event()

    def next_move(self) -> asyncio.Event:
        """Return what is set when anything moves from now on."""
        return self._moved
