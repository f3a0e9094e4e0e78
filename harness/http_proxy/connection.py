"""Owns one connection of a client and the one to the server that belongs to it alone.

Bytes pass as they are, in both directions at once, and so does the way in which either side ends
its connection. What is no HTTP passes too, without being looked at any further.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

from harness.http_proxy.messages import (
    Head,
    NotHttpError,
    body_pieces,
    read_answer_head,
    read_request_head,
)
from harness.http_proxy.rule_book import RuleBook, Taken
from harness.http_proxy.rules import Answer, DropAnswer, Hold, StopAnswer, StopRequest

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_PIECE_BYTES = 1 << 16


@dataclass(frozen=True)
class Side:
    """One of the two connections."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send it; raises `OSError` when the other end is gone."""
        self.writer.write(data)
        await self.writer.drain()

    def end(self) -> None:
        """Send no more, but go on listening."""
        with suppress(OSError, RuntimeError):
            self.writer.write_eof()

    def reset(self) -> None:
        """End it with a reset, and send nothing of what still waits."""
        connection = self.writer.get_extra_info("socket")
        with suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    @property
    def is_gone(self) -> bool:
        """Tell whether the other end has closed its connection."""
        return self.reader.at_eof() or self.writer.is_closing()


@dataclass(frozen=True)
class _Exchange:
    """A request that the server has been sent, until its answer has come."""

    method: str
    taken: Taken | None
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class _EndedError(Exception):
    """The connection was ended on purpose."""


class Connection:
    """Carries requests to the server and answers back, until either side ends."""

    def __init__(self, client: Side, server: Side, book: RuleBook) -> None:
        self._client = client
        self._server = server
        self._book = book
        self._waiting: deque[_Exchange] = deque()
        self._all_answered = asyncio.Event()
        self._all_answered.set()

    async def serve(self) -> None:
        """Return when both connections are closed."""
        try:
            async with asyncio.TaskGroup() as directions:
                requests = directions.create_task(self._requests(), name="requests")
                await self._answers()
                requests.cancel()
        finally:
            for exchange in self._waiting:
                self._end(exchange, done=False)
            self._server.writer.close()
            self._client.writer.close()

    async def _requests(self) -> None:
        try:
            while (head := await read_request_head(self._client.reader)) is not None:
                await self._request(head)
        except NotHttpError as error:
            await self._pass_blindly(error.seen)
        except asyncio.IncompleteReadError:
            pass  # The client left in the middle of a body, which the server then sees too.
        except OSError:
            self._server.reset()
        self._server.end()

    async def _request(self, head: Head) -> None:
        method, path, _ = head.start
        taken = self._book.take(method, path)
        try:
            await self._carry(head, taken)
        except BaseException:
            if taken is not None and not any(each.taken is taken for each in self._waiting):
                taken.end(done=False)
            raise

    async def _carry(self, head: Head, taken: Taken | None) -> None:
        if taken is None or isinstance(taken.rule.deed, DropAnswer | StopAnswer):
            await self._forward(head, taken, body_pieces(self._client.reader, head))
            return
        if head.awaits_continue:
            await self._client.send(_CONTINUE)
        body = [piece async for piece in body_pieces(self._client.reader, head)]
        match taken.rule.deed:
            case Answer(status):
                await self._answer_instead(status, taken)
            case StopRequest():
                taken.note_event()
                await taken.wait_until_lifted()
                await self._forward(head, taken, _each(body))
            case Hold(seconds):
                taken.note_event()
                await asyncio.sleep(seconds)
                exchange = await self._forward(head, taken, _each(body))
                # The client's end, if it has come, must not reach the server before its answer.
                await exchange.answered.wait()

    async def _forward(
        self, head: Head, taken: Taken | None, body: AsyncIterator[bytes]
    ) -> _Exchange:
        exchange = _Exchange(head.start[0], taken)
        self._waiting.append(exchange)
        self._all_answered.clear()
        await self._server.send(head.raw)
        async for piece in body:
            await self._server.send(piece)
        return exchange

    async def _answer_instead(self, status: int, taken: Taken) -> None:
        await self._all_answered.wait()
        text = b'{"error":"InternalError","message":"answered by the fault proxy"}'
        head = f"HTTP/1.1 {status} Fault\r\ncontent-type: application/json\r\ncontent-length: "
        await self._client.send(head.encode() + b"%d\r\n\r\n" % len(text) + text)
        taken.note_event()
        taken.end(done=True)

    async def _answers(self) -> None:
        with suppress(_EndedError):
            try:
                while (head := await read_answer_head(self._server.reader)) is not None:
                    await self._answer(head)
            except NotHttpError as error:
                await self._client.send(error.seen)
                await _copy(self._server.reader, self._client)
            except asyncio.IncompleteReadError:
                pass  # The server left in the middle of an answer, which the client then sees too.
            except OSError:
                self._client.reset()

    async def _answer(self, head: Head) -> None:
        is_final = head.status >= 200
        exchange = self._waiting[0] if self._waiting else None
        if exchange is not None and exchange.method == "HEAD":
            head = Head(head.raw, head.start, 0)
        taken = exchange.taken if exchange is not None and is_final else None
        body = body_pieces(self._server.reader, head)
        if taken is not None and isinstance(taken.rule.deed, DropAnswer | StopAnswer):
            pieces = [piece async for piece in body]
            taken.note_event()
            if isinstance(taken.rule.deed, DropAnswer):
                self._settle(head)
                raise _EndedError
            await taken.wait_until_lifted()
            body = _each(pieces)
        await self._deliver(head, body)
        if is_final and exchange is not None:
            self._settle(head)

    async def _deliver(self, head: Head, body: AsyncIterator[bytes]) -> None:
        """Send an answer; a client that is gone does not keep the rest from coming."""
        client = self._client
        with suppress(ConnectionError):
            await client.send(head.raw)
        async for piece in body:
            with suppress(ConnectionError):
                await client.send(piece)

    def _settle(self, head: Head) -> None:
        """Note that the request which has waited longest was answered."""
        exchange = self._waiting.popleft()
        self._end(exchange, done=200 <= head.status < 300)
        if not self._waiting:
            self._all_answered.set()

    def _end(self, exchange: _Exchange, *, done: bool) -> None:
        exchange.answered.set()
        if exchange.taken is not None:
            exchange.taken.end(done=done, given_up=self._client.is_gone)

    async def _pass_blindly(self, seen: bytes) -> None:
        with suppress(OSError):
            await self._server.send(seen)
            await _copy(self._client.reader, self._server)


async def _each(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _copy(reader: asyncio.StreamReader, to: Side) -> None:
    while piece := await reader.read(_PIECE_BYTES):
        await to.send(piece)
