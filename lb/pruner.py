"""The pruner: removes from PostgreSQL what the log need not keep, in batches, beside its session.

Bodies go when every member of their lane has applied them, outcomes after the retention time. The
newest entry stays, so that positions never start again. Decides nothing about who is a member.
"""

import asyncio
import logging
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import asyncpg

from lb.database import CONNECTION_ERRORS, queries
from lb.log_tail import LogTail
from lb.model import NAMESPACES

log = logging.getLogger(__name__)

PAGE_ENTRIES = 1000
PAUSE_SECONDS = 0.05
"""Between batches, so that the log's own session comes first."""


@dataclass
class LogSize:
    """What the log held when it was last pruned, and what was pruned since the start."""

    entries_with_body: int = 0
    body_bytes: int = 0
    table_bytes: int = 0
    pruned_bodies: int = 0
    pruned_entries: int = 0
    pruned_collections: int = 0


class Pruner:
    """Prunes every `interval_seconds`; when PostgreSQL is away, the next time."""

    def __init__(
        self,
        pool: "asyncpg.Pool[Any]",
        tail: LogTail,
        retention_seconds: float,
        interval_seconds: float,
    ) -> None:
        self._pool = pool
        self._tail = tail
        self._retention_seconds = retention_seconds
        self._interval_seconds = interval_seconds
        self._size = LogSize()

    def figures(self) -> dict[str, int]:
        """Describe the log's size and what was pruned."""
        return asdict(self._size)

    async def run(self) -> None:
        """Prune until cancelled."""
        while True:
            try:
                await self.prune()
            except CONNECTION_ERRORS as error:
                log.info("the log is pruned later: %s: %s", type(error).__name__, error)
            await asyncio.sleep(self._interval_seconds)

    async def prune(self) -> None:
        """Remove all that can go, and measure what stays."""
        await self._prune_bodies()
        size = self._size
        retention = {"retention_seconds": self._retention_seconds}
        while pruned := await self._page(queries.prune_entries, retention):
            size.pruned_entries += pruned
            await asyncio.sleep(PAUSE_SECONDS)
        while pruned := await self._page(queries.prune_collections, {}):
            size.pruned_collections += pruned
            await asyncio.sleep(PAUSE_SECONDS)
        row = await queries.log_size(self._pool)
        size.entries_with_body, size.body_bytes, size.table_bytes = row.values()

    async def _prune_bodies(self) -> None:
        """Go once through the entries with a body; what someone still lacks is passed over."""
        after = 0
        while True:
            row = await queries.prune_bodies(
                self._pool, kept_lanes=self._kept_lanes(), after=after, page=PAGE_ENTRIES
            )
            self._size.pruned_bodies += row["pruned"]
            if row["looked_at"] < PAGE_ENTRIES:
                return
            after = row["last"]
            await asyncio.sleep(PAUSE_SECONDS)

    async def _page(self, query: Any, selection: dict[str, float]) -> int:
        return int(await query(self._pool, page=PAGE_ENTRIES, **selection))

    def _kept_lanes(self) -> list[UUID]:
        """Return the lanes that are being copied, and that of databases: it is never copied."""
        return [NAMESPACES, *(c.id for c in self._tail.catalogue if c.lane.copying)]
