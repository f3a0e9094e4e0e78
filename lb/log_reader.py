"""Reads of the log beside the session that writes it: bodies to send again, old transactions."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from lb.database import CONNECTION_ERRORS, Database, all_rows, queries
from lb.errors import LogUnavailableError
from lb.model import NAMESPACES, Answer, Entry, Kind
from lb.transactions import Transaction, Wanted

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.2
READ_BYTES = 4 << 20
"""How many bytes of bodies are read at a time where it does not matter how many."""


@dataclass(frozen=True)
class LoggedTransaction:
    """What the log knows of an earlier request."""

    position: int
    fingerprint: bytes
    outcome: Answer | None


class NamespaceWrite(NamedTuple):
    """A write of a tenant or a database that took effect, as it is sent to an instance."""

    kind: Kind
    path: str
    content_type: str
    body: bytes


class LogReader:
    """Answers from PostgreSQL through a small pool."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    @classmethod
    async def open(cls, database: Database) -> "LogReader":
        """Open the pool."""
        return cls(await database.pool())

    @property
    def pool(self) -> "asyncpg.Pool[Any]":
        """The pool, for work beside the log's session that is no reading."""
        return self._pool

    async def close(self) -> None:
        """Close the pool, at once if it does not answer."""
        try:
            async with asyncio.timeout(1):
                await self._pool.close()
        except CONNECTION_ERRORS:
            self._pool.terminate()

    async def bodies(self, entries: Sequence[Entry]) -> list[bytes]:
        """Return what the entries send, waiting for PostgreSQL as long as it takes."""
        held = {entry.position: body_in_memory(entry) for entry in entries}
        absent = [position for position, body in held.items() if body is None]
        while absent:
            try:
                rows = await all_rows(queries.entry_bodies(self._pool, positions=absent))
            except CONNECTION_ERRORS as error:
                log.warning("cannot read entries from %s on: %s", absent[0], error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            held |= {row["position"]: row["body"] for row in rows}
            break
        return [held[entry.position] or b"" for entry in entries]

    async def each_body(self, entries: Sequence[Entry]) -> AsyncIterator[tuple[Entry, bytes]]:
        """Return each entry with what it sends, holding a few megabytes at a time."""
        waiting = deque(entries)
        while waiting:
            piece = [waiting.popleft()]
            size = piece[0].body_bytes
            while waiting and size + waiting[0].body_bytes <= READ_BYTES:
                size += waiting[0].body_bytes
                piece.append(waiting.popleft())
            for entry, body in zip(piece, await self.bodies(piece), strict=True):
                yield entry, body

    async def namespace_writes(self) -> list[NamespaceWrite]:
        """Return what made tenants and databases as they are, oldest first.

        Raises `LogUnavailableError`.
        """
        with _log_needed():
            rows = await all_rows(queries.namespace_writes(self._pool, lane_id=NAMESPACES))
        return [
            NamespaceWrite(Kind(row["kind"]), row["path"], row["content_type"], row["body"])
            for row in rows
        ]

    async def find_transaction(self, transaction_id: str) -> LoggedTransaction | None:
        """Find an earlier request by its transaction id; raises `LogUnavailableError`."""
        try:
            row = await queries.find_transaction(self._pool, transaction_id=transaction_id)
        except CONNECTION_ERRORS as error:
            raise LogUnavailableError(
                "the log cannot be read now, so nobody knows whether this transaction was seen "
                "before; nothing was done, try again"
            ) from error
        if row is None:
            return None
        return LoggedTransaction(row["position"], row["fingerprint"], stored_outcome(row))

    async def transaction(self, transaction_id: str) -> Transaction | None:
        """Return a transaction as it is stored; raises `LogUnavailableError`."""
        with _log_needed():
            row = await queries.transaction(self._pool, transaction_id=transaction_id)
        return None if row is None else stored_transaction(row)

    async def settled_transactions(self, wanted: Wanted) -> list[Transaction]:
        """Return stored transactions with an outcome, newest first, without its body."""
        with _log_needed():
            rows = await all_rows(
                queries.settled_transactions(
                    self._pool,
                    state=wanted.state,
                    lane_ids=None if wanted.lane_ids is None else list(wanted.lane_ids),
                    session=wanted.session,
                    since=wanted.since,
                    page=wanted.limit,
                )
            )
        return [stored_transaction(row) for row in rows]

    async def untold_recoveries(self, most_attempts: int) -> list[Transaction]:
        """Return recovered transactions that the webhook is still to be told of, oldest first."""
        with _log_needed():
            found = queries.untold_recoveries(self._pool, most_attempts=most_attempts)
            return [stored_transaction(row) for row in await all_rows(found)]

    async def note_webhook(self, position: int, told: bool) -> None:
        """Remember an attempt to tell the webhook; the only thing written beside the log."""
        with _log_needed():
            await queries.note_webhook(self._pool, position=position, told=told)

    async def collections_called(self, reference: str) -> set[UUID]:
        """Return the ids of all collections that have, or had, a name or an id."""
        with _log_needed():
            rows = await all_rows(queries.collections_called(self._pool, reference=reference))
        return {row["id"] for row in rows}


@contextmanager
def _log_needed() -> Iterator[None]:
    try:
        yield
    except CONNECTION_ERRORS as error:
        raise LogUnavailableError("the log cannot be read now; try again") from error


def stored_transaction(row: "asyncpg.Record") -> Transaction:
    """Read a transaction out of its row."""
    return Transaction(
        id=row["transaction_id"],
        position=row["position"],
        kind=row["kind"],
        path=row["path"],
        collection_id=row["lane_id"],
        session=row["session"],
        attempts=row["attempts"],
        logged_at=row["logged_at"],
        settled_at=row["settled_at"],
        told_to_wait=row["told_to_wait"],
        outcome=stored_outcome(row),
    )


def body_in_memory(entry: Entry) -> bytes | None:
    """Return what the entry sends if it is in memory."""
    return entry.body if entry.resolved_body is None else entry.resolved_body


def stored_outcome(row: "asyncpg.Record") -> Answer | None:
    """Read the outcome columns of an entry."""
    if row["outcome_status"] is None:
        return None
    return Answer(row["outcome_status"], row["outcome_body"], row["outcome_content_type"])
