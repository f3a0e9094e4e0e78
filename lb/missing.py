"""Finds collections that an instance should have and does not know: a lost disk, a direct delete.

Reads only. Whether a membership ends because of it is decided by the rebuilder.
"""

from uuid import UUID

from lb import payloads
from lb.catalogue import Collection
from lb.errors import InstanceError
from lb.log_tail import LogTail
from lb.model import CollectionState
from lb.paths import Read, Target
from lb.upstream import Upstream, describe


async def lost_collections(
    upstream: Upstream, others: list[Upstream], tail: LogTail
) -> list[Collection]:
    """Return what the instance has lost and another member, that serves, still has.

    Without such a witness nothing is said: all UUIDs may be wrong, as when two URLs are swapped.
    """
    instance = upstream.instance.name
    mapped = {c: c.uuids[instance] for c in tail.catalogue if is_expected_on(c, instance)}
    databases = {(c.name.tenant, c.name.database) for c in mapped}
    present: set[UUID] = set()
    for tenant, database in databases:
        present |= await _listed(upstream, Target(Read.LIST, tenant, database))
    lost = []
    for collection, uuid in mapped.items():
        if uuid in present or await has(upstream, collection) is not False:
            continue
        is_still_mapped = collection.uuids.get(instance) == uuid
        if is_still_mapped and is_expected_on(collection, instance):
            for other in others:
                if other.instance.is_serving and await has(other, collection):
                    lost.append(collection)
                    break
    return lost


def is_expected_on(collection: Collection, instance: str) -> bool:
    """Tell whether the instance must have the collection."""
    return (
        collection.state is CollectionState.ACTIVE
        and collection.lane.is_member(instance)
        and instance in collection.uuids
    )


async def has(upstream: Upstream, collection: Collection) -> bool | None:
    """Tell whether the instance knows its UUID of the collection; None when it has none."""
    uuid = collection.uuids.get(upstream.instance.name)
    if uuid is None or not collection.lane.is_member(upstream.instance.name):
        return None
    target = Target(Read.COLLECTION, collection.name.tenant, collection.name.database)
    found = await upstream.read("GET", target.by_id_path(uuid))
    if found.status == 404:
        return False
    if not found.is_success:
        raise InstanceError(upstream.instance.name, describe(found))
    return True


async def _listed(upstream: Upstream, target: Target) -> set[UUID]:
    found = await upstream.read("GET", f"{target.database_path}/collections")
    if found.status == 404:
        return set()
    if not found.is_success:
        raise InstanceError(upstream.instance.name, describe(found))
    return {uuid for uuid, _ in payloads.split_collections(found.body)}
