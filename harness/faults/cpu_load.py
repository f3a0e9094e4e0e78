"""Owns the work that is given to a server from outside, so that it wants all of a processor.

Nothing of it changes data: PostgreSQL counts numbers, an instance reads a vector for a collection
that does not exist, and a load balancer answers heartbeats.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import asyncpg

from harness.client.api import COLLECTIONS, HEARTBEAT

_CONNECTIONS = 4
_RETRY_SECONDS = 0.02
_NIL = "00000000-0000-4000-8000-000000000000"
# An instance reads it in a millisecond, and a client has written it in a tenth of that.
_VECTOR = b'{"query_embeddings": [[' + b",".join([b"0.25"] * 20_000) + b"]]}"
# Some 10 ms of one processor.
_COUNT = "select count(*) from generate_series(1, 50000)"

_ERRORS_OF_POSTGRES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


@dataclass
class Load:
    """Clients of the server at a URL (http or postgresql) that ask again at each answer."""

    url: str
    is_instance: bool
    answers: int = field(default=0, init=False)

    @asynccontextmanager
    async def pressing(self) -> AsyncIterator[None]:
        """Ask as long as the body lasts; a server that refuses is asked again."""
        async with asyncio.TaskGroup() as group:
            clients = [
                group.create_task(self._ask_again_and_again(), name=f"load {number}")
                for number in range(_CONNECTIONS)
            ]
            yield
            for client in clients:
                client.cancel()

    async def _ask_again_and_again(self) -> None:
        is_database = urlsplit(self.url).scheme == "postgresql"
        while True:
            with suppress(OSError, *_ERRORS_OF_POSTGRES):
                await (self._ask_postgres() if is_database else self._ask_http())
                continue
            await asyncio.sleep(_RETRY_SECONDS)

    async def _ask_http(self) -> None:
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(str(parts.hostname), parts.port or 0)
        try:
            writer.write(self._request())
            await writer.drain()
            if await reader.read():
                self.answers += 1
        finally:
            writer.transport.abort()

    async def _ask_postgres(self) -> None:
        connection = await asyncpg.connect(self.url, statement_cache_size=0)
        try:
            while True:
                await connection.fetchval(_COUNT)
                self.answers += 1
        finally:
            connection.terminate()

    def _request(self) -> bytes:
        common = "Host: load\r\nConnection: close\r\n"
        if not self.is_instance:
            return f"GET {HEARTBEAT} HTTP/1.1\r\n{common}\r\n".encode()
        head = f"POST {COLLECTIONS}/{_NIL}/query HTTP/1.1\r\n{common}"
        head += f"Content-Type: application/json\r\nContent-Length: {len(_VECTOR)}\r\n\r\n"
        return head.encode() + _VECTOR
