"""One client's connection while it sends plain requests, one at a time; decides nothing of them."""

import asyncio
import socket
import time
from contextlib import suppress
from typing import Protocol, cast

from lb.plain_http import (
    BODILESS,
    MOST_BODY_BYTES,
    MOST_HEAD_BYTES,
    Head,
    answer_head,
    parse_head,
)
from lb.proxy import Reply

PATIENCE_SECONDS = 0.05
"""How long the rest of a request is waited for; who takes longer is aiohttp's, with its limits."""

IDLE_SECONDS = 3630.0
"""As long as aiohttp keeps a connection open on which nothing is asked."""

_MOST_BYTES = MOST_HEAD_BYTES + MOST_BODY_BYTES


class Host(Protocol):
    """Who answers what comes over a connection, and knows all that are open."""

    connections: "set[FrontConnection]"
    is_closed: bool

    @property
    def is_leaving(self) -> bool:
        """Whether each connection ends with its next answer."""
        ...

    def aiohttp_handler(self) -> asyncio.Protocol:
        """Make the protocol that takes a connection over."""
        ...

    async def answer(self, head: Head, body: bytes, address: str) -> Reply:
        """Return the answer to a request."""
        ...


class FrontConnection(asyncio.Protocol):
    """Reads a request, has it answered, reads the next one.

    What is not plain, comes slowly or before its turn makes the connection aiohttp's, with
    everything that was received and not answered.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._address = ""
        self._received = b""
        self.is_writable = True
        """Whether the client keeps pace with its answers."""
        self._patience: asyncio.TimerHandle | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._used_at = 0.0
        self.serving: asyncio.Task[None] | None = None
        """The task that answers the request under way."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection in."""
        self._transport = cast("asyncio.Transport", transport)
        if self._host.is_closed:
            self._transport.abort()
            return
        self._host.connections.add(self)
        with suppress(OSError):  # The client may be gone already.
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        peer = transport.get_extra_info("peername")
        self._address = peer[0] if peer else ""
        self._used_at = self._loop.time()
        self._idle = self._loop.call_later(IDLE_SECONDS, self._end_if_unused)

    def connection_lost(self, _: Exception | None) -> None:
        """Let go, when what is being answered is over: it goes on without its client."""
        self._transport = None
        if self.serving is None:
            self._let_go()

    def pause_writing(self) -> None:
        """Note that the client reads more slowly than it is answered."""
        self.is_writable = False

    def resume_writing(self) -> None:
        """Note that the client has caught up."""
        self.is_writable = True

    def data_received(self, data: bytes) -> None:
        """Take what came; while a request is being answered it waits."""
        self._received = received = self._received + data if self._received else data
        if self.serving is None:
            self._take(received)
        elif len(received) > _MOST_BYTES and self._transport is not None:
            self._transport.pause_reading()

    @property
    def is_reading(self) -> bool:
        """Whether more is taken than what has come."""
        return self._transport is not None and self._transport.is_reading()

    def close_if_idle(self) -> None:
        """Close the connection unless a request is being answered."""
        if self.serving is None and self._transport is not None:
            self._transport.close()

    def _take(self, received: bytes) -> None:
        """Have a request answered that is whole and plain; wait for its rest, or give up."""
        begin = received.find(b"\r\n\r\n") + 4
        if begin < 4:
            self._wait() if len(received) < MOST_HEAD_BYTES else self._hand_over()
            return
        head = parse_head(received[:begin]) if begin <= MOST_HEAD_BYTES else None
        missing = -1 if head is None else begin + head.body_bytes - len(received)
        if head is None or missing < 0 or not self.is_writable:
            self._hand_over()
        elif missing:
            self._wait()
        else:
            self._received = b""
            if self._patience is not None:
                self._patience.cancel()
                self._patience = None
            self.serving = self._loop.create_task(
                self._serve(head, received[begin:]), name="request"
            )

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self._loop.call_later(PATIENCE_SECONDS, self._hand_over)

    async def _serve(self, head: Head, body: bytes) -> None:
        try:
            reply = await self._host.answer(head, body, self._address)
        finally:
            self.serving = None
            if self._transport is None:
                self._let_go()
        self._used_at = self._loop.time()
        if self._transport is not None and not self._transport.is_closing():
            self._write(reply, self._transport)

    def _write(self, reply: Reply, transport: asyncio.Transport) -> None:
        body = b"" if reply.status in BODILESS else reply.body
        is_last, now = self._host.is_leaving, int(time.time())
        head = answer_head(reply.status, reply.headers, len(body), now, is_last=is_last)
        if len(body) <= MOST_BODY_BYTES:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        if is_last:
            transport.close()
        elif self._received:
            self._hand_over()

    def _hand_over(self) -> None:
        """Make the connection aiohttp's."""
        transport, received, self._received = self._transport, self._received, b""
        self._let_go()
        if transport is None or transport.is_closing():
            return
        if self._host.is_closed:
            transport.close()
            return
        handler = self._host.aiohttp_handler()
        transport.set_protocol(handler)
        handler.connection_made(transport)
        if not self.is_writable:
            handler.pause_writing()
        transport.resume_reading()
        handler.data_received(received)

    def _let_go(self) -> None:
        self._host.connections.discard(self)
        for timer in (self._patience, self._idle):
            if timer is not None:
                timer.cancel()
        self._patience = self._idle = None

    def _end_if_unused(self) -> None:
        left = self._used_at + IDLE_SECONDS - self._loop.time()
        if left <= 0 and self.serving is None:
            self.close_if_idle()
        else:
            self._idle = self._loop.call_later(
                left if left > 0 else IDLE_SECONDS, self._end_if_unused
            )
