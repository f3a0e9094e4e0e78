"""The catalogue: which collections there are, by which names and ids, and their UUID everywhere.

It is memory only; what it decides is written by the log in the same commit as the entry that
caused it. All methods are synchronous, so their order is the order of the log.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from uuid import UUID, uuid4

from lb.errors import ConflictError
from lb.lanes import Lane
from lb.model import (
    NAMESPACES,
    CollectionChange,
    CollectionState,
    Dependency,
    Entry,
    Kind,
    MappingChange,
)

TRANSITIONS: dict[CollectionState, frozenset[CollectionState]] = {
    CollectionState.CREATING: frozenset({CollectionState.ACTIVE, CollectionState.FAILED}),
    CollectionState.ACTIVE: frozenset({CollectionState.DROPPING}),
    CollectionState.DROPPING: frozenset({CollectionState.DROPPED}),
    CollectionState.FAILED: frozenset(),
    CollectionState.DROPPED: frozenset(),
}
"""No state is left backwards; the same rule stands in `put_collections` of queries.sql."""


@dataclass(frozen=True, slots=True)
class Name:
    """A collection's name and the database that it is unique in."""

    tenant: str
    database: str
    name: str


@dataclass(eq=False, slots=True)
class Collection:
    """A logical collection: one stable id for clients, one UUID on each instance."""

    id: UUID
    name: Name
    lane: Lane
    state: CollectionState = CollectionState.CREATING
    uuids: dict[str, UUID] = field(default_factory=dict)
    changing: Entry | None = None
    """The create, rename or drop without an outcome yet; who needs the name waits for it."""

    def __repr__(self) -> str:
        return f"<Collection {self.name.name} {self.id} {self.state}>"

    def move_to(self, state: CollectionState) -> None:
        """Change the state; the one place where that happens."""
        if state is not self.state:
            assert state in TRANSITIONS[self.state], f"{self} cannot become {state}"
            self.state = state

    def unblock(self, entry: Entry) -> None:
        """Note that the entry has an outcome, or never will: who needs the name may go on."""
        if self.changing is entry:
            self.changing = None

    def as_change(self, state: CollectionState | None = None) -> CollectionChange:
        """Return the row that PostgreSQL is to hold, in the present state or a coming one."""
        name = self.name
        return CollectionChange(self.id, name.tenant, name.database, name.name, state or self.state)

    def as_birth(self) -> CollectionChange:
        """Return the row of a collection that is new to the catalogue, with its members."""
        return replace(self.as_change(), members=self.lane.members)


class Catalogue:
    """Finds collections by name, logical id or any instance's UUID, and keeps names unique."""

    def __init__(self, instances: Iterable[str]) -> None:
        self._instances = tuple(instances)
        self.namespaces = Collection(
            NAMESPACES, Name("", "", ""), Lane(NAMESPACES, self._instances), CollectionState.ACTIVE
        )
        """Stands for all tenants and databases, whose writes share one lane; no client sees it."""
        self._by_id: dict[UUID, Collection] = {}
        self._by_name: dict[Name, Collection] = {}
        self._by_uuid: dict[UUID, Collection] = {}
        self._freed: dict[Name, Dependency] = {}

    def __iter__(self) -> Iterator[Collection]:
        return iter(tuple(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, collection_id: UUID) -> Collection | None:
        """Find a collection by its logical id alone."""
        return self._by_id.get(collection_id)

    def by_name(self, name: Name) -> Collection | None:
        """Find the collection that bears the name, or is about to."""
        return self._by_name.get(name)

    def find(self, tenant: str, database: str, reference: str) -> Collection | None:
        """Find a collection by what a client may put into a path (F1): name or any id."""
        found = None
        if (uuid := _as_uuid(reference)) is not None:
            found = self._by_id.get(uuid) or self._by_uuid.get(uuid)
        return found or self._by_name.get(Name(tenant, database, reference))

    def by_instance_uuid(self, uuid: UUID) -> Collection | None:
        """Find a collection by the UUID that an instance gave it."""
        return self._by_uuid.get(uuid)

    def inside(self, tenant: str, database: str) -> list[Collection]:
        """Return the collections that bear names in a database, or are about to."""
        return [
            c
            for name, c in self._by_name.items()
            if (name.tenant, name.database) == (tenant, database)
        ]

    def active_in(self, tenant: str, database: str) -> list[Collection]:
        """Return the collections that clients can see in a database."""
        return [
            c
            for c in self._by_id.values()
            if c.state is CollectionState.ACTIVE
            and (c.name.tenant, c.name.database) == (tenant, database)
        ]

    def load(self, change: CollectionChange, lane: Lane) -> Collection:
        """Take up a collection that the database holds."""
        name = Name(change.tenant, change.database, change.name)
        collection = Collection(change.collection_id, name, lane, change.state)
        self._by_id[collection.id] = collection
        if change.state in (CollectionState.CREATING, CollectionState.ACTIVE):
            self._by_name[name] = collection
        return collection

    def restore(self, collection: Collection, entry: Entry, old_name: Name | None) -> None:
        """Take up what an entry of the log, not applied everywhere yet, means for names.

        `old_name` is the name that a rename frees.
        """
        if entry.kind is Kind.DROP:
            self._freed[collection.name] = Dependency(collection.id, entry.position)
        elif old_name is not None and old_name != collection.name:
            self._freed[old_name] = Dependency(collection.id, entry.position)
        if entry.outcome is None and entry.kind in (Kind.CREATE, Kind.DROP):
            collection.changing = entry

    def reserve(self, name: Name, members: Iterable[str] | None = None) -> Collection:
        """Make a collection for a name that is free; its create entry comes next.

        Every instance is a member, unless it is told who is.
        """
        assert name not in self._by_name
        collection_id = uuid4()
        lane = Lane(collection_id, self._instances if members is None else members)
        collection = Collection(collection_id, name, lane)
        self._by_id[collection_id] = self._by_name[name] = collection
        return collection

    def freed_by(self, name: Name) -> Dependency | None:
        """Return the entry that instances must have applied before the name is free on them."""
        return self._freed.get(name)

    def reserve_rename(self, collection: Collection, new_name: Name, entry: Entry) -> None:
        """Hold the new name, beside the old one, until the rename has an outcome."""
        holder = self._by_name.get(new_name)
        if holder is not None and holder is not collection:
            raise ConflictError(f"Collection [{new_name.name}] already exists")
        self._by_name[new_name] = collection
        collection.changing = entry

    def settle_rename(self, collection: Collection, new_name: Name, entry: Entry) -> None:
        """Give the collection its new name if the rename took effect, else free that name."""
        collection.unblock(entry)
        done = entry.outcome is not None and entry.outcome.is_success
        old_name = collection.name
        if old_name == new_name:
            return
        self._release(old_name if done else new_name, collection)
        if done:
            collection.name = new_name
            self._freed[old_name] = Dependency(collection.id, entry.position)

    def settle_create(self, collection: Collection, entry: Entry) -> None:
        """Make the collection visible if it was created, else free its name."""
        collection.unblock(entry)
        if collection.state is not CollectionState.CREATING:
            return
        if entry.outcome is not None and entry.outcome.is_success:
            collection.move_to(CollectionState.ACTIVE)
        else:
            collection.move_to(CollectionState.FAILED)
            self.forget(collection)

    def drop(self, collection: Collection, entry: Entry) -> None:
        """Free the name, now that the log holds the drop; a later create comes after it.

        A second drop changes nothing: the name may have another owner by now.
        """
        if collection.state is not CollectionState.ACTIVE:
            return
        self._release(collection.name, collection)
        self._freed[collection.name] = Dependency(collection.id, entry.position)
        collection.move_to(CollectionState.DROPPING)

    def map(self, collection: Collection, instance: str, uuid: UUID | None) -> MappingChange:
        """Set or remove the collection's UUID on an instance."""
        old = collection.uuids.pop(instance, None)
        if old is not None:
            self._by_uuid.pop(old, None)
        if uuid is not None:
            collection.uuids[instance] = uuid
            self._by_uuid[uuid] = collection
        return MappingChange(collection.id, instance, uuid)

    def forget(self, collection: Collection) -> None:
        """Remove a collection that no instance has any more and no entry waits for."""
        self._by_id.pop(collection.id, None)
        self._release(collection.name, collection)
        for uuid in collection.uuids.values():
            self._by_uuid.pop(uuid, None)
        for name in [n for n, freed in self._freed.items() if freed.lane_id == collection.id]:
            del self._freed[name]

    def _release(self, name: Name, collection: Collection) -> None:
        if self._by_name.get(name) is collection:
            del self._by_name[name]


# Clients name the same few collections again and again.
@lru_cache(maxsize=1024)
def _as_uuid(reference: str) -> UUID | None:
    try:
        return UUID(reference)
    except ValueError:
        return None
