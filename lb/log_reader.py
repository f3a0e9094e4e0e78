"""Reads of the log beside the session that writes it: bodies to send again, old transactions."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

import asyncpg

from lb.database import CONNECTION_ERRORS, Database, queries
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

    async def body(self, entry: Entry) -> bytes:
        """Return what the entry sends, waiting for PostgreSQL as long as it takes."""
        if entry.resolved_body is not None:
            return entry.resolved_body
        if entry.body is not None:
            return entry.body
        while True:
            try:
                row = await queries.entry_bodies(self._pool, position=entry.position)
            except CONNECTION_ERRORS as error:
                log.warning("cannot read entry %s: %s", entry.position, error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            resolved: bytes | None = row["resolved_body"]
            return resolved if resolved is not None else row["body"] or b""

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


def stored_outcome(row: "asyncpg.Record") -> Answer | None:
    """Read the outcome columns of an entry."""
    if row["outcome_status"] is None:
        return None
    return Answer(row["outcome_status"], row["outcome_body"], row["outcome_content_type"])
