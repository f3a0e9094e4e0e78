"""A server on a real socket that does with each connection exactly what a test says."""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

OK_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass(eq=False)
class RawConnection:
    """What a test does with a connection, from the server's side."""

    server: "RawServer"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read_head(self) -> bytes:
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.server.heads.append(head)
        return head

    async def read_request(self) -> bytes:
        """Read a head and its body, and return the body."""
        length = LENGTH.search(await self.read_head())
        return await self.reader.readexactly(int(length[1]) if length else 0)

    async def answer(self, sent: bytes = OK_ANSWER) -> None:
        self.writer.write(sent)
        await self.writer.drain()

    def reset(self) -> None:
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def saw_the_end(self) -> None:
        """Wait until the client has closed the connection."""
        while await self.reader.read(1 << 16):
            pass


Behaviour = Callable[[RawConnection], Awaitable[None]]


async def well(connection: RawConnection) -> None:
    """Answer every request as a server should."""
    while True:
        await connection.read_request()
        await connection.answer()


def sending(*answers: bytes) -> Behaviour:
    """Answer each request with these bytes in turn, and then close the connection."""

    async def behave(connection: RawConnection) -> None:
        for answer in answers:
            await connection.read_request()
            await connection.answer(answer)

    return behave


@dataclass
class RawServer:
    """Gives each new connection the next behaviour, and all further ones the last."""

    behaviours: list[Behaviour]
    url: str = ""
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behave = self.behaviours[min(self.connections, len(self.behaviours) - 1)]
        self.connections += 1
        try:
            await behave(RawConnection(self, reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def a_server(
    *behaviours: Behaviour, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[RawServer]:
    raw = RawServer(list(behaviours) or [well])
    server = await asyncio.start_server(raw.serve, host, 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    name = f"[{host}]" if ":" in host else host
    raw.url = f"{'https' if tls else 'http'}://{name}:{port}"
    try:
        yield raw
    finally:
        server.close()
