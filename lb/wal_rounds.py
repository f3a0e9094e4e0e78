"""What one round of the log writes: pure gathering of columns, then one statement per table."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from lb.database import queries
from lb.model import OF_NAMESPACES, CollectionChange, Entry, Progress
from lb.suspicion import encode_suspicion

ROUND_BYTES = 4 << 20
"""How many bytes of bodies one round appends: asyncpg copies them more than once."""

_APPENDED = (
    "position",
    "lane_id",
    "transaction_id",
    "kind",
    "path",
    "content_type",
    "body",
    "fingerprint",
    "session",
    "after_lane_id",
    "after_position",
    "logged_at",
)
"""The columns of a new entry. COPY takes two thirds of the time that an insert of arrays does."""


def first_round(waiting: Sequence[Entry]) -> int:
    """Count the entries that go into the log next, from the first; at least one, if any waits.

    The end of a database stays with the drops of the collections inside, which come before it.
    """
    size = 0
    for count, entry in enumerate(waiting):
        size += entry.body_bytes
        if count and size > ROUND_BYTES and entry.kind not in OF_NAMESPACES:
            return count
    return len(waiting)


async def write_appends(
    connection: "asyncpg.Connection[Any]",
    appends: Sequence[tuple[Entry, CollectionChange | None]],
) -> None:
    """Write new entries, and the catalogue rows that they need."""
    if not appends:
        return
    await write_collections(connection, [change for _, change in appends if change is not None])
    await connection.copy_records_to_table(
        "wal", columns=_APPENDED, records=[_as_record(entry) for entry, _ in appends]
    )


def _as_record(entry: Entry) -> tuple[Any, ...]:
    return (
        entry.position,
        entry.lane_id,
        entry.transaction_id,
        entry.kind.value,
        entry.path,
        entry.content_type,
        entry.body,
        entry.fingerprint,
        entry.session,
        entry.after.lane_id if entry.after else None,
        entry.after.position if entry.after else None,
        entry.logged_at,
    )


async def write_progress(
    connection: "asyncpg.Connection[Any]", progress: Sequence[Progress]
) -> None:
    """Write mappings, catalogue rows, outcomes, cursors and, after them, who has one."""
    await _write_resolved(connection, progress)
    await _write_suspicions(connection, progress)
    await write_collections(connection, [p.collection for p in progress if p.collection])
    await _write_mappings(connection, progress)
    await _write_outcomes_and_cursors(connection, progress)
    await _write_memberships(connection, progress)
    await _write_leftovers(connection, progress)
    await _write_marks(connection, progress)


async def write_collections(
    connection: "asyncpg.Connection[Any]", changes: Sequence[CollectionChange]
) -> None:
    """Write catalogue rows, of several for one collection the last, and the first members."""
    latest = {change.collection_id: change for change in changes}.values()
    if latest:
        await queries.put_collections(
            connection,
            ids=[c.collection_id for c in latest],
            tenants=[c.tenant for c in latest],
            databases=[c.database for c in latest],
            names=[c.name for c in latest],
            states=[c.state.value for c in latest],
        )
    born = [(change.collection_id, name) for change in changes for name in change.members]
    if born:
        await queries.put_members(
            connection,
            lane_ids=[lane_id for lane_id, _ in born],
            instances=[name for _, name in born],
            positions=[0] * len(born),
        )


async def _write_resolved(
    connection: "asyncpg.Connection[Any]", progress: Sequence[Progress]
) -> None:
    resolved = [p.resolved for p in progress if p.resolved is not None]
    if resolved:
        await queries.resolve_entries(
            connection,
            positions=[position for position, _ in resolved],
            bodies=[body for _, body in resolved],
        )


async def _write_suspicions(
    connection: "asyncpg.Connection[Any]", progress: Sequence[Progress]
) -> None:
    latest = dict(p.suspicion for p in progress if p.suspicion is not None)
    if latest:
        await queries.put_suspicions(
            connection,
            positions=list(latest),
            suspicions=[each and encode_suspicion(each) for each in latest.values()],
        )


async def _write_mappings(
    connection: "asyncpg.Connection[Any]", progress: Sequence[Progress]
) -> None:
    changes = [p.mapping for p in progress if p.mapping is not None]
    latest = {(c.collection_id, c.instance): c for c in changes}.values()
    gone = [c for c in latest if c.uuid is None]
    kept = [c for c in latest if c.uuid is not None]
    if gone:
        await queries.remove_mappings(
            connection,
            collection_ids=[c.collection_id for c in gone],
            instances=[c.instance for c in gone],
        )
    if kept:
        await queries.put_mappings(
            connection,
            collection_ids=[c.collection_id for c in kept],
            instances=[c.instance for c in kept],
            uuids=[c.uuid for c in kept],
        )


async def _write_outcomes_and_cursors(
    connection: "asyncpg.Connection[Any]", progress: Sequence[Progress]
) -> None:
    settled = [p.settlement for p in progress if p.settlement is not None]
    furthest: dict[tuple[UUID, str], int] = {}
    for a in (p.advance for p in progress if p.advance is not None):
        key = (a.lane_id, a.instance)
        furthest[key] = max(a.position, furthest.get(key, 0))
    if settled or furthest:
        await queries.settle_and_advance(
            connection,
            positions=[s.position for s in settled],
            statuses=[s.answer.status for s in settled],
            bodies=[s.answer.body for s in settled],
            content_types=[s.answer.content_type for s in settled],
            attempts=[s.attempts for s in settled],
            told_to_wait=[s.told_to_wait for s in settled],
            settled_ats=[s.settled_at for s in settled],
            lane_ids=[lane_id for lane_id, _ in furthest],
            instances=[instance for _, instance in furthest],
            cursors=list(furthest.values()),
        )


async def _write_memberships(
    connection: "asyncpg.Connection[Any]", progress: Sequence[Progress]
) -> None:
    """Write who joined and left, of several changes the last; after the cursors' moves.

    Moves of a member's cursor are queued before it leaves, so none of them follows here.
    """
    changes = [p.membership for p in progress if p.membership is not None]
    latest = {(c.lane_id, c.instance): c for c in changes}.values()
    joined = [c for c in latest if c.position is not None]
    left = [c for c in latest if c.position is None]
    if joined:
        await queries.put_members(
            connection,
            lane_ids=[c.lane_id for c in joined],
            instances=[c.instance for c in joined],
            positions=[c.position for c in joined],
        )
    if left:
        await queries.remove_members(
            connection,
            lane_ids=[c.lane_id for c in left],
            instances=[c.instance for c in left],
        )


async def _write_leftovers(
    connection: "asyncpg.Connection[Any]", progress: Sequence[Progress]
) -> None:
    """Write what is to be deleted on instances, and what is no longer; of both the last counts."""
    states = {}
    for p in progress:
        if p.leftover is not None:
            states[p.leftover] = True
        if p.removed is not None:
            states[p.removed] = False
    noted = [leftover for leftover, is_there in states.items() if is_there]
    gone = [leftover for leftover, is_there in states.items() if not is_there]
    if noted:
        await queries.put_leftovers(
            connection,
            instances=[each.instance for each in noted],
            uuids=[each.uuid for each in noted],
            tenants=[each.tenant for each in noted],
            databases=[each.database for each in noted],
        )
    if gone:
        await queries.remove_leftovers(
            connection,
            instances=[each.instance for each in gone],
            uuids=[each.uuid for each in gone],
        )


async def _write_marks(connection: "asyncpg.Connection[Any]", progress: Sequence[Progress]) -> None:
    marked = [p.marked for p in progress if p.marked is not None]
    latest = {instance: (term, position) for instance, term, position in marked}
    if latest:
        await queries.put_marks(
            connection,
            instances=list(latest),
            term_ids=[term for term, _ in latest.values()],
            positions=[position for _, position in latest.values()],
        )
