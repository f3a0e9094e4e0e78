"""What one round of the log writes: pure gathering of columns, then one statement per table."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from lb.database import queries
from lb.model import CollectionChange, Entry, Progress
from lb.suspicion import encode_suspicion


async def write_appends(
    connection: "asyncpg.Connection[Any]",
    appends: Sequence[tuple[Entry, CollectionChange | None]],
) -> None:
    """Insert new entries, and the catalogue rows that they need."""
    if not appends:
        return
    await write_collections(connection, [change for _, change in appends if change is not None])
    entries = [entry for entry, _ in appends]
    await queries.append_entries(
        connection,
        positions=[e.position for e in entries],
        lane_ids=[e.lane_id for e in entries],
        transaction_ids=[e.transaction_id for e in entries],
        kinds=[e.kind.value for e in entries],
        paths=[e.path for e in entries],
        content_types=[e.content_type for e in entries],
        bodies=[e.body for e in entries],
        fingerprints=[e.fingerprint for e in entries],
        sessions=[e.session for e in entries],
        after_lane_ids=[e.after.lane_id if e.after else None for e in entries],
        after_positions=[e.after.position if e.after else None for e in entries],
        logged_ats=[e.logged_at for e in entries],
    )


async def write_progress(
    connection: "asyncpg.Connection[Any]", progress: Sequence[Progress]
) -> None:
    """Write outcomes, mappings, catalogue rows and, after them, cursors."""
    await _write_resolved(connection, progress)
    await _write_suspicions(connection, progress)
    await _write_settlements(connection, progress)
    await write_collections(connection, [p.collection for p in progress if p.collection])
    await _write_mappings(connection, progress)
    await _write_advances(connection, progress)


async def write_collections(
    connection: "asyncpg.Connection[Any]", changes: Sequence[CollectionChange]
) -> None:
    """Write catalogue rows; of several for one collection the last."""
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


async def _write_settlements(
    connection: "asyncpg.Connection[Any]", progress: Sequence[Progress]
) -> None:
    settled = [p.settlement for p in progress if p.settlement is not None]
    if settled:
        await queries.settle_entries(
            connection,
            positions=[s.position for s in settled],
            statuses=[s.answer.status for s in settled],
            bodies=[s.answer.body for s in settled],
            content_types=[s.answer.content_type for s in settled],
            attempts=[s.attempts for s in settled],
            told_to_wait=[s.told_to_wait for s in settled],
            settled_ats=[s.settled_at for s in settled],
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


async def _write_advances(
    connection: "asyncpg.Connection[Any]", progress: Sequence[Progress]
) -> None:
    advances = [p.advance for p in progress if p.advance is not None]
    furthest: dict[tuple[object, str], int] = {}
    for a in advances:
        key = (a.lane_id, a.instance)
        furthest[key] = max(a.position, furthest.get(key, 0))
    if furthest:
        await queries.advance_cursors(
            connection,
            lane_ids=[lane_id for lane_id, _ in furthest],
            instances=[instance for _, instance in furthest],
            positions=list(furthest.values()),
        )
