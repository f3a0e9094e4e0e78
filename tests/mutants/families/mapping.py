"""Mutants of the catalogue: which UUID a collection has on which instance."""

from typing import Any
from uuid import UUID

from lb import recovery
from lb.catalogue import Catalogue, Collection
from lb.executor import Executor
from lb.instances import Fleet
from lb.model import CollectionState, Entry, Kind
from tests.mutants.patches import Patches, misbehaved
from tests.mutants.promises import Promise
from tests.mutants.registry import mutant


@mutant(Promise.MAPPING, "lb-killed", "phantom durability", is_sample=True)
def mapping_swapped(patches: Patches) -> None:
    """After a restart two collections have each other's UUID on the replica."""

    async def load_collections(
        connection: Any, catalogue: Catalogue, fleet: Fleet, needed: set[UUID]
    ) -> None:
        await original(connection, catalogue, fleet, needed)
        active = [c for c in catalogue if c.state is CollectionState.ACTIVE]
        if len(active) < 2:
            return
        one, other = active[:2]
        theirs = other.uuids["replica"]
        catalogue.map(other, "replica", one.uuids["replica"])
        catalogue.map(one, "replica", theirs)
        # `map` forgets the UUID that it replaces; it is the other one's by now.
        catalogue.map(other, "replica", other.uuids["replica"])
        misbehaved(f"swapped {one} and {other}")

    original = patches.replace(recovery, "_load_collections", load_collections)


@mutant(Promise.MAPPING, "quiet", "phantom convergence")
def written_to_another_collection(patches: Patches) -> None:
    """On the replica a delete goes to its collection, and all else to the first one."""
    first: list[Collection] = []

    async def write(
        self: Executor,
        collection: Collection,
        target: Any,
        entry: Entry,
        uuid: UUID | None,
        body: bytes,
    ) -> Any:
        if not first:
            first.append(collection)
        is_wrong = entry.kind is Kind.ADD and collection is not first[0]
        if is_wrong and self._upstream.instance.name == "replica":
            misbehaved(f"{entry} goes to {first[0]}")
            uuid = first[0].uuids["replica"]
        return await original(self, collection, target, entry, uuid, body)

    original = patches.replace(Executor, "_write", write)
