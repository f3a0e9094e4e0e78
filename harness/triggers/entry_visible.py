"""Owns the event of a write becoming durable: its entry can be seen in PostgreSQL.

The log's table is asked every few milliseconds, past every proxy, so the event is seen a little
late; nothing is changed in the database, and nothing is stopped.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from harness.errors import LabError, UnsupportedFaultError
from harness.labs.base import Lab, Need
from harness.triggers.base import Sighting

WORD = "entry-visible"

_INTERVAL_SECONDS = 0.001
_TIMEOUT_SECONDS = 5.0
# The table and column of our own load balancer's log, which others have no reason to have.
_HAS_LOG = """
    select exists (select from information_schema.columns
                   where table_name = 'wal' and column_name = 'position')
"""
_LAST_POSITION = "select coalesce(max(position), 0) from wal"


@dataclass(frozen=True)
class EntryVisible:
    """The next entry of the log."""

    @property
    def name(self) -> str:
        """Its word."""
        return WORD

    @property
    def needs(self) -> frozenset[Need]:
        """Nothing: to look at the log breaks nothing."""
        return frozenset()

    async def refuse_unsupported(self, lab: Lab) -> None:
        """Raise `UnsupportedFaultError` when the load balancer does not log as ours does."""
        async with _session(lab) as session:
            if not await session.fetchval(_HAS_LOG):
                raise UnsupportedFaultError(
                    f"{WORD}: the load balancer has no table `wal` with a column `position` in its "
                    "database, so an entry of its log cannot be seen: choose another event"
                )

    @asynccontextmanager
    async def event(self, lab: Lab) -> AsyncIterator[Sighting]:
        """See the next entry."""
        async with _session(lab) as session:
            before = last = await session.fetchval(_LAST_POSITION)
            while last == before:
                await asyncio.sleep(_INTERVAL_SECONDS)
                last = await session.fetchval(_LAST_POSITION)
            sighting = Sighting(time.monotonic_ns(), f"entry {last}")
        yield sighting


@asynccontextmanager
async def _session(lab: Lab) -> AsyncIterator[asyncpg.Connection]:
    url = lab.urls().get("postgres")
    if url is None:
        raise UnsupportedFaultError(f"{WORD}: lab {lab.name} has no postgres to look into")
    try:
        session: asyncpg.Connection = await asyncpg.connect(url, timeout=_TIMEOUT_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise LabError(f"{WORD}: postgres does not let us in: {error!r}") from error
    try:
        yield session
    finally:
        session.terminate()
