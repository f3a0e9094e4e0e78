"""PostgreSQL: connections, the named queries, and versioned migrations; decides nothing."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any
from uuid import uuid4

import aiosql
import asyncpg

from lb.errors import ConfigurationError, SchemaError

_SQL = files("lb").joinpath("sql")

queries: Any = aiosql.from_str(_SQL.joinpath("queries.sql").read_text(), "asyncpg")
"""The statements of queries.sql as coroutines: `await queries.NAME(connection, ...)`."""

CONNECTION_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What asyncpg raises when the database is away, ends the session, or answers too late.

The last one is what a statement meets whose session broke just before it was sent.
"""


KEEPALIVE = {
    "tcp_keepalives_idle": "3",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "6000",
}
"""How PostgreSQL finds out that our host is gone: after 6 s, when another one may take the lock.

It must be longer than `LEAD_CONFIRM_SECONDS` can be set to.
"""


BY_KEY = {"enable_seqscan": "off"}
"""Rows are found by their keys: a plan that was made while a table was small would read all of it,
and is kept while the table grows, until its statistics are renewed. That takes a minute, or longer.
"""


async def all_rows(selected: "AsyncIterator[asyncpg.Record]") -> "list[asyncpg.Record]":
    """Collect what a query that returns many rows yields."""
    return [row async for row in selected]


@dataclass(frozen=True)
class Database:
    """How to reach PostgreSQL; `application_name` tells the sessions of this process apart."""

    url: str
    timeout_seconds: float
    application_name: str

    @classmethod
    def at(cls, url: str, timeout_seconds: float) -> "Database":
        """Describe the database with a fresh application name."""
        return cls(url, timeout_seconds, f"chroma-lb {uuid4()}")

    async def connect(self) -> "asyncpg.Connection[Any]":
        """Open one session; raises one of `CONNECTION_ERRORS`."""
        try:
            return await asyncpg.connect(
                self.url,
                timeout=self.timeout_seconds,
                command_timeout=self.timeout_seconds,
                server_settings={
                    "application_name": self.application_name,
                    **BY_KEY,
                    **KEEPALIVE,
                },
            )
        except (ValueError, asyncpg.InvalidCatalogNameError, asyncpg.InvalidPasswordError) as error:
            raise ConfigurationError(f"DATABASE_URL: {error}") from error

    async def pool(self) -> "asyncpg.Pool[Any]":
        """Open a small pool for reads of the log, under a name of its own."""
        return await asyncpg.create_pool(
            self.url,
            min_size=0,
            max_size=4,
            timeout=self.timeout_seconds,
            command_timeout=self.timeout_seconds,
            server_settings={"application_name": f"{self.application_name} reads", **BY_KEY},
        )


@dataclass(frozen=True)
class Migration:
    """One numbered file of sql/migrations."""

    version: int
    name: str
    statements: str


def known_migrations() -> list[Migration]:
    """Read the migrations of this version of the load balancer, oldest first."""
    found = [
        Migration(int(match[1]), match[2], file.read_text())
        for file in _SQL.joinpath("migrations").iterdir()
        if (match := re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name))
    ]
    return sorted(found, key=lambda migration: migration.version)


async def migrate(connection: "asyncpg.Connection[Any]") -> list[Migration]:
    """Bring the schema up to date, one load balancer at a time; returns what was applied.

    Raises `SchemaError` when the database is newer than this program.
    """
    known = known_migrations()
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(hashtext('chroma-lb schema'))")
        await connection.execute(
            "create table if not exists schema_migrations (version integer primary key, "
            "name text not null, applied_at timestamptz not null default clock_timestamp())"
        )
        current = await connection.fetchval("select max(version) from schema_migrations") or 0
        if current > known[-1].version:
            raise SchemaError(
                f"the database has schema version {current}, this load balancer knows up to "
                f"{known[-1].version}: deploy the newer version again"
            )
        pending = [migration for migration in known if migration.version > current]
        for migration in pending:
            await connection.execute(migration.statements)
            await connection.execute(
                "insert into schema_migrations (version, name) values ($1, $2)",
                migration.version,
                migration.name,
            )
    return pending
