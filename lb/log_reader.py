"""Reads of the log beside the session that writes it: bodies to send again, old transactions."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from lb.database import CONNECTION_ERRORS, Database, all_rows, queries
from lb.errors import LogUnavailableError
from lb.model import Answer, Entry

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.2


@dataclass(frozen=True)
class LoggedTransaction:
    """What the log knows of an earlier request."""

    position: int
    fingerprint: bytes
    outcome: Answer | None


class LogReader:
    """Answers from PostgreSQL through a small pool."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    @classmethod
    async def open(cls, database: Database) -> "LogReader":
        """Open the pool."""
        return cls(await database.pool())

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


def body_in_memory(entry: Entry) -> bytes | None:
    """Return what the entry sends if it is in memory."""
    return entry.body if entry.resolved_body is None else entry.resolved_body


def stored_outcome(row: "asyncpg.Record") -> Answer | None:
    """Read the outcome columns of an entry."""
    if row["outcome_status"] is None:
        return None
    return Answer(row["outcome_status"], row["outcome_body"], row["outcome_content_type"])
