"""One kept-alive HTTP/1.1 connection, as cheap as Python allows: raw bytes out, a status in."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

import httptools


@dataclass(frozen=True)
class Reply:
    """An answer: its status, and its headers by lower-case name."""

    status: int
    headers: dict[bytes, bytes] = field(default_factory=dict)


class Connection(asyncio.Protocol):
    """Sends one request at a time. It is used up when it raises, or when it `is_closed`."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[Reply] | None = None
        self._headers: dict[bytes, bytes] = {}
        self.is_closed = False

    @classmethod
    async def open(cls, host: str, port: int) -> "Connection":
        """Connect; raises `OSError`."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, host, port)
        return connection

    async def exchange(self, request: bytes) -> Reply:
        """Send a whole request and return its answer; raises `ConnectionError` when it breaks."""
        if self.is_closed or self._transport is None:
            raise ConnectionResetError("closed by the server")
        self._headers = {}
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiter

    def close(self) -> None:
        """Close at once."""
        self.is_closed = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; uvloop's is no `asyncio.Transport` by inheritance."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ConnectionError(f"not HTTP: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request that waits."""
        self.is_closed = True
        self._fail(ConnectionResetError(str(exc or "closed by the server")))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; called by the parser."""
        self._headers[name.lower()] = value

    def on_message_complete(self) -> None:
        """Hand the answer over; called by the parser."""
        reply = Reply(self._parser.get_status_code(), self._headers)
        if not self._parser.should_keep_alive():
            self.close()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(reply)

    def _fail(self, error: ConnectionError) -> None:
        self.close()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
