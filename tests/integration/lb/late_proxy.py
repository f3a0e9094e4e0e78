"""A TCP proxy for tests that can hold one request and deliver it long after it was given up."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit


class LateProxy:
    """Forwards connections to a server; what contains `marker` is kept until `deliver`."""

    def __init__(self, upstream_url: str) -> None:
        parts = urlsplit(upstream_url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self.marker: bytes | None = None
        self.held: bytes | None = None
        self.given_up = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def deliver(self) -> bytes:
        """Send the held request now, on a connection of its own; returns the answer's head."""
        assert self.held is not None
        reader, writer = await asyncio.open_connection(self._host, self._port)
        writer.write(self.held)
        await writer.drain()
        head = await reader.readuntil(b"\r\n")
        writer.close()
        return head

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(OSError):
            up_reader, up_writer = await asyncio.open_connection(self._host, self._port)
            back = asyncio.create_task(copy(up_reader, writer), name="answers")
            try:
                await self._forward(reader, up_writer)
            finally:
                back.cancel()
                up_writer.close()
                writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 20):
            if self.marker is not None and self.marker in data:
                self.marker, self.held = None, data
                with suppress(OSError):
                    await reader.read()  # Ends when the client gives the connection up.
                self.given_up.set()
                return
            writer.write(data)
            await writer.drain()


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 20):
            writer.write(data)
            await writer.drain()
