"""Owns direct reads of PostgreSQL, past the load balancer. Reads only, and knows one log: ours.

A database with another load balancer's tables, or with none, has no log for this reader.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import asyncpg
import msgspec

from harness.model.observation import LogRow, LogSample

_TIMEOUT_SECONDS = 2.0
_MOST_ROWS = 50_000
_FAILURES = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

T = TypeVar("T")


@cache
def _query(name: str) -> str:
    return files("harness.client").joinpath("sql", f"{name}.sql").read_text()


class LogReader:
    """One connection, made when it is needed and given up at the first error."""

    def __init__(
        self,
        database_url: str,
        prefix: str,
        clock: Callable[[], int],
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        self._url = database_url
        self._prefix = prefix
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._is_log = False
        self._connection: asyncpg.Connection[Any] | None = None
        # Who watches and who inspects at rest share the connection: one of them at a time.
        self._turn = asyncio.Lock()

    async def sample(self, *, at_rest: bool = False) -> LogSample:
        """Look at the log now; an error is a sample, too."""
        asked_ns = self._clock()
        try:
            found = await self._in_time(self._sample)
        except _FAILURES as error:
            found = {"error": repr(error)}
        return LogSample(asked_ns=asked_ns, answered_ns=self._clock(), at_rest=at_rest, **found)

    async def rows(self) -> tuple[LogRow, ...]:
        """Read the entries of the run's collections; none when there is no such log."""
        try:
            return await self._in_time(self._rows)
        except _FAILURES:
            return ()

    async def _in_time(self, read: Callable[["asyncpg.Connection[Any]"], Awaitable[T]]) -> T:
        async with self._turn:
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    if self._connection is None:
                        self._connection = await asyncpg.connect(self._url, statement_cache_size=0)
                    return await read(self._connection)
            except BaseException:
                self.close()
                raise

    async def _sample(self, connection: "asyncpg.Connection[Any]") -> dict[str, Any]:
        found: dict[str, Any] = {"connections": await connection.fetchval(_query("connections"))}
        if not await self._has_log(connection):
            return found
        row = dict(await connection.fetchrow(_query("log_sample")) or {})
        for name in ("pending", "applied", "lanes"):
            row[name] = msgspec.json.decode(row[name], type=dict[str, int])
        return {**found, "is_log": True, **row}

    async def _has_log(self, connection: "asyncpg.Connection[Any]") -> bool:
        """Ask until it was seen once: a load balancer makes its tables when it starts."""
        self._is_log = self._is_log or bool(await connection.fetchval(_query("has_log")))
        return self._is_log

    async def _rows(self, connection: "asyncpg.Connection[Any]") -> tuple[LogRow, ...]:
        if not await self._has_log(connection):
            return ()
        found = await connection.fetch(_query("log_rows"), self._prefix, _MOST_ROWS)
        return tuple(_row(dict(row)) for row in found)

    def close(self) -> None:
        """Give the connection up at once: a paused server would not answer a farewell."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def _row(row: dict[str, Any]) -> LogRow:
    times = {
        name: row[name].isoformat() if row[name] else "" for name in ("logged_at", "settled_at")
    }
    return LogRow(**{**row, **times, "applied_on": tuple(row["applied_on"])})
