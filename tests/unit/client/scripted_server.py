"""A server that answers every request in one scripted way, as no healthy server would."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class ScriptedServer:
    """`answer` is sent for each request; `None` hangs, and empty bytes reset the connection."""

    answer: bytes | None
    requests: list[bytes] = field(default_factory=list)
    received: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    _handlers: list[asyncio.Task[None]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.current_task()
        assert handler is not None
        self._handlers.append(handler)
        try:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.IncompleteReadError:
            writer.close()  # The client gave up before it asked.
            return
        self.received.set()
        if self.answer is None:
            await reader.read()
        elif self.answer:
            writer.write(self.answer)
            with suppress(ConnectionError):  # The client may give up in the middle.
                await writer.drain()
        else:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    async def finish(self) -> None:
        """Wait until no handler is left; clients have closed their connections by now."""
        async with asyncio.timeout(20):
            await asyncio.gather(*self._handlers)


def answer(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return head.encode() + body


@asynccontextmanager
async def serving(scripted: bytes | None) -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer(scripted)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        await server.finish()
        await listener.wait_closed()
