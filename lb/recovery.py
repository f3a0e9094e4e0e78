"""The start of an active load balancer: what PostgreSQL holds becomes catalogue and log tail."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

from lb.catalogue import Catalogue, Collection, Name
from lb.database import all_rows, queries
from lb.errors import ConfigurationError
from lb.instances import Fleet
from lb.lanes import Lane
from lb.log_reader import stored_outcome
from lb.log_tail import LogTail
from lb.marks import LogIdentity, Mark, Term
from lb.model import (
    NAMESPACES,
    CollectionChange,
    CollectionState,
    Dependency,
    Entry,
    Kind,
    Leftover,
)
from lb.paths import parse_target
from lb.payloads import decode_modify
from lb.suspicion import stored_suspicion


async def recover(connection: "asyncpg.Connection[Any]", fleet: Fleet, now: float) -> LogTail:
    """Rebuild the log's tail in memory; every unsettled entry may have been sent everywhere."""
    catalogue = Catalogue(fleet.names)
    tail = LogTail(fleet, catalogue)
    await _end_unconfigured(connection, fleet)
    for row in await all_rows(queries.all_leftovers(connection, instances=list(fleet.names))):
        tail.leftovers.add(Leftover(*row.values()))
    rows = await all_rows(queries.unapplied_entries(connection, instances=list(fleet.names)))
    entries = [_entry(row, fleet, now) for row in rows]
    await _load_collections(connection, catalogue, fleet, {e.lane_id for e in entries})
    collections = {collection.id: collection for collection in catalogue}
    collections[NAMESPACES] = catalogue.namespaces
    for entry in entries:
        collection = collections[entry.lane_id]
        old_name = await _restore_rename(connection, entry)
        catalogue.restore(collection, entry, old_name)
        if entry.outcome is None and entry.new_name is not None:
            name = collection.name
            new_name = Name(name.tenant, name.database, entry.new_name)
            catalogue.reserve_rename(collection, new_name, entry)
        tail.add(collection, entry)
        if entry.is_held:
            collection.lane.acknowledge_only_before(entry)
    for collection in collections.values():
        if is_gone(collection):
            catalogue.forget(collection)
    tail.end = await queries.last_position(connection)
    return tail


async def begin_term(
    connection: "asyncpg.Connection[Any]", epoch: int, position: int
) -> LogIdentity:
    """Begin a term where the log ends; returns which log it is, and what it knows of marks.

    The term is durable before any instance can be marked with it.
    """
    await queries.begin_term(connection, epoch=epoch, position=position)
    log_id = await queries.log_id(connection)
    rows = await all_rows(queries.all_terms(connection))
    terms = {row["id"]: Term(row["epoch"], row["ended_at_position"]) for row in rows}
    noted = {
        row["instance"]: Mark(log_id, row["term_id"], row["position"])
        for row in await all_rows(queries.all_marks(connection))
    }
    return LogIdentity(log_id, rows[-1]["id"], terms, noted)


async def _end_unconfigured(connection: "asyncpg.Connection[Any]", fleet: Fleet) -> None:
    """Make instances leave that are no longer configured; they miss what is logged from now on.

    Raises `ConfigurationError` when one of them is the only one that has a collection.
    """
    instances = list(fleet.names)
    async with connection.transaction():
        for row in await all_rows(queries.only_on_others(connection, instances=instances)):
            raise ConfigurationError(
                f"collection {row['name']} in {row['tenant']}/{row['database']} is only on "
                f"{row['members']}, which is not configured: configure it until others have copies"
            )
        await queries.note_unconfigured_leftovers(connection, instances=instances)
        await queries.remove_unconfigured_mappings(connection, instances=instances)
        await queries.remove_unconfigured_members(connection, instances=instances)
        # Tenants and databases are never copied: who is new applies all of that lane.
        await queries.put_members(
            connection,
            lane_ids=[NAMESPACES] * len(instances),
            instances=instances,
            positions=[0] * len(instances),
        )


def is_gone(collection: Collection) -> bool:
    """Tell whether clients and the catalogue have no use for the collection any more."""
    dropped = collection.state is CollectionState.DROPPING and not collection.uuids
    gone = collection.state in (CollectionState.FAILED, CollectionState.DROPPED)
    return gone or (dropped and collection.lane.is_drained)


async def _load_collections(
    connection: "asyncpg.Connection[Any]", catalogue: Catalogue, fleet: Fleet, needed: set[UUID]
) -> None:
    ends = {
        row["lane_id"]: row["position"] for row in await all_rows(queries.lane_ends(connection))
    }
    cursors: dict[UUID, dict[str, int]] = {}
    for row in await all_rows(queries.all_cursors(connection)):
        cursors.setdefault(row["lane_id"], {})[row["instance"]] = row["position"]
    for row in await all_rows(queries.living_collections(connection, lane_ids=list(needed))):
        lane = _lane(row["id"], fleet, cursors.get(row["id"], {}), ends.get(row["id"], 0))
        if row["id"] == NAMESPACES:
            catalogue.namespaces.lane = lane
            continue
        change = CollectionChange(
            row["id"], row["tenant"], row["database"], row["name"], CollectionState(row["state"])
        )
        catalogue.load(change, lane)
    for row in await all_rows(queries.all_mappings(connection)):
        collection = catalogue.get(row["collection_id"])
        if collection is not None and row["instance"] in fleet:
            catalogue.map(collection, row["instance"], row["uuid"])


def _lane(lane_id: UUID, fleet: Fleet, cursors: Mapping[str, int], end: int) -> Lane:
    """Restore a lane; what was acknowledged is not recorded, so all that was logged counts.

    Who has no cursor is no member: an instance that is new here, or that has left.
    """
    lane = Lane(lane_id, [name for name in fleet.names if name in cursors])
    for name in lane.members:
        lane.cursors[name] = lane.applied[name] = lane.sent[name] = cursors[name]
    lane.acked = lane.structure_acked = end
    return lane


def _entry(row: "asyncpg.Record", fleet: Fleet, now: float) -> Entry:
    after = None
    if row["after_lane_id"] is not None:
        after = Dependency(row["after_lane_id"], row["after_position"])
    entry = Entry(
        transaction_id=row["transaction_id"],
        lane_id=row["lane_id"],
        kind=Kind(row["kind"]),
        path=row["path"],
        body=None,
        content_type=row["content_type"],
        fingerprint=row["fingerprint"],
        body_bytes=row["body_bytes"],
        session=row["session"],
        after=after,
        position=row["position"],
        logged_at=row["logged_at"],
        attempts=row["attempts"],
        in_doubt=set(fleet.names),
        suspicion=stored_suspicion(row["suspicion"], now),
        # Its client got a 503, or nothing at all: our predecessor's connections are gone.
        told_to_wait=row["told_to_wait"] or row["outcome_status"] is None,
        settled_at=row["settled_at"],
        outcome=stored_outcome(row),
    )
    if entry.outcome is not None:
        entry.settled.set()
    return entry


async def _restore_rename(connection: "asyncpg.Connection[Any]", entry: Entry) -> Name | None:
    """Find the new name of a rename in its body; returns the name that it frees."""
    refused = entry.outcome is not None and not entry.outcome.is_success
    if entry.kind is not Kind.MODIFY or refused:
        return None
    (row,) = await all_rows(queries.entry_bodies(connection, positions=[entry.position]))
    body = decode_modify(row["body"])
    target = parse_target("PUT", entry.path)
    if body is None or body.new_name in (None, target.reference):
        return None
    entry.new_name = body.new_name
    if entry.outcome is None:
        return None
    return Name(target.tenant, target.database, target.reference)
