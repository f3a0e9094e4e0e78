"""One HTTP/1.1 connection: a request at a time, and its answer whole or an error.

Retries nothing and follows nothing; who may use the connection next is the pool's affair.
"""

import asyncio
import re
from collections.abc import Callable
from functools import lru_cache
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from lb.errors import AnswerTooLongError, BadRequestError, HttpError, UnansweredError
from lb.model import Answer

PIECE_BYTES = 64 << 10
"""A longer body is handed over in pieces, so that only one waits in memory beside the body."""

MOST_HEAD_BYTES = 64 << 10
MOST_ANSWER_BYTES = 256 << 20
"""An answer is held whole until it is passed on; a longer one has to be asked for in pages."""

NO_BODY = ("GET", "HEAD")
"""The methods whose requests do not say that they have no body."""

NOT_IN_A_TARGET = re.compile(r"[\x00-\x20\x7f]")
NOT_IN_A_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


# Clients ask for the same few things again and again.
@lru_cache(maxsize=512)
def request_head(method: str, path: str, host: str, content_type: str, body_bytes: int) -> bytes:
    """Write a request's head; raises `BadRequestError` rather than write two.

    No coding is asked for: answers are passed on as they are.
    """
    if NOT_IN_A_TARGET.search(path) or NOT_IN_A_VALUE.search(content_type):
        raise BadRequestError("the path or content type has a control character")
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    has_length = body_bytes or method not in NO_BODY
    length = f"Content-Length: {body_bytes}\r\n" if has_length else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: identity\r\n"
    # What came in as bytes that are no UTF-8 goes out as the same bytes.
    return f"{head}{kind}{length}\r\n".encode("utf-8", "surrogateescape")


class HttpConnection(asyncio.Protocol):
    """A connection that is open, or was. `is_reusable` tells whether it may take a request.

    It never is again once anything unusual has happened: an end of the stream, bytes that nobody
    asked for, an answer before the request was sent wholly, a cancelled request.
    """

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self.transport: asyncio.Transport | None = None
        self.is_reusable = False
        self.idle_since = 0.0
        self._parser: HttpResponseParser = HttpResponseParser(self)
        self._loop = asyncio.get_running_loop()
        self._answered: asyncio.Future[Answer] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._is_sent = True
        self._is_head = False
        self._status = 0
        """The answer's, or 0 before its head has come."""
        self._received_bytes = 0
        self._content_type = ""
        self._is_delimited = False
        """Whether the answer says where it ends; else it ends with the connection."""
        self._pieces: list[bytes] = []

    def __repr__(self) -> str:
        busy = "busy" if self._answered is not None else "idle"
        return f"<HttpConnection {busy} {'open' if self.is_reusable else 'spent'}>"

    async def ask(self, method: str, head: bytes, body: bytes) -> Answer:
        """Send a request and return its whole answer; raises `HttpError`.

        Whatever ends it otherwise, a cancellation too, closes the connection.
        """
        assert self._answered is None, "one request at a time"
        if not self.is_reusable:
            raise UnansweredError("the connection was closed before the request was sent")
        answered: asyncio.Future[Answer] = self._loop.create_future()
        self._answered = answered
        self._is_head = method == "HEAD"
        try:
            await self._send(head, body, answered)
            return await answered
        except BaseException:
            self.close()
            raise
        finally:
            self._answered = None
            self._forget_answer()

    def close(self) -> None:
        """Close it at once; a request on it fails."""
        self.is_reusable = False
        if self.transport is not None:
            self.transport.abort()

    async def _send(self, head: bytes, body: bytes, answered: asyncio.Future[Answer]) -> None:
        """Send what fits; the rest as the server takes it, and no more once it has answered."""
        assert self.transport is not None
        if len(body) <= PIECE_BYTES:
            self.transport.write(head + body)
            return
        self._is_sent = False
        self.transport.write(head)
        view = memoryview(body)
        for start in range(0, len(body), PIECE_BYTES):
            if self._writable is not None:
                await self._writable
            if answered.done():
                return
            self.transport.write(view[start : start + PIECE_BYTES])
        self._is_sent = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note that it is open."""
        self.transport, self.is_reusable = cast("asyncio.Transport", transport), True

    def data_received(self, data: bytes) -> None:
        """Read on; when nobody asked for the bytes the connection cannot be trusted."""
        if self._answered is None or self._answered.done():
            self.close()
            return
        self._received_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fail(HttpError(f"the answer is not HTTP: {error}"))
        if self._status == 0 and self._received_bytes > MOST_HEAD_BYTES:
            self._fail(HttpError(f"the head of the answer is longer than {MOST_HEAD_BYTES} bytes"))

    def eof_received(self) -> None:
        """Take the end of what the server sends, which may be the end of its answer."""
        self._note_end()
        if self._status and not self._is_delimited:
            self._complete()
        # The transport would first send what is left to somebody who is no longer there.
        self.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Fail the request that was under way, if any."""
        self._note_end()
        cause = f": {error}" if error else ""
        if self._received_bytes:
            self._fail(HttpError(f"the connection was closed in the middle of an answer{cause}"))
        else:
            self._fail(UnansweredError(f"the connection was closed before an answer came{cause}"))

    def _note_end(self) -> None:
        """Tell who listens, once, that it was not we who ended it."""
        was_open, self.is_reusable = self.is_reusable, False
        if was_open:
            self._on_end()

    def pause_writing(self) -> None:
        """Wait with the rest: the server does not take what is sent."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """Send on."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def on_message_begin(self) -> None:
        """Notice a second answer, which nobody asked for."""
        if self._answered is None or self._answered.done():
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take the few headers that matter; trailers do not."""
        if self._status:
            return
        name = name.lower()
        if name == b"content-type":
            self._content_type = value.decode("utf-8", "replace")
        elif name == b"content-length":
            self._is_delimited = True
            self._check_length(int(value))
        elif name == b"transfer-encoding":
            self._is_delimited = True

    def on_headers_complete(self) -> None:
        """Take the status; to a HEAD the head is the whole answer."""
        status = self._parser.get_status_code()
        if status < 200:
            # More is to come: neither this status nor these headers are the answer's.
            self._content_type, self._is_delimited = "", False
            return
        self._status = status
        if self._is_head:
            # The parser would wait for a body.
            self.is_reusable = False
            self._complete()

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        self._pieces.append(data)
        self._check_length(self._received_bytes)

    def on_message_complete(self) -> None:
        """Hand the answer over, unless it says that another is to come."""
        if self._status:
            # What waits in the transport has not been sent either.
            is_sent = self._is_sent and self._writable is None
            self.is_reusable &= is_sent and self._parser.should_keep_alive()
            self._complete()

    def _check_length(self, length: int) -> None:
        if length > MOST_ANSWER_BYTES:
            self._fail(AnswerTooLongError(f"the answer is longer than {MOST_ANSWER_BYTES} bytes"))

    def _complete(self) -> None:
        if self._answered is not None and not self._answered.done():
            answer = Answer(self._status, b"".join(self._pieces), self._content_type)
            self._answered.set_result(answer)
            self.resume_writing()

    def _fail(self, error: HttpError) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error)
        self.resume_writing()
        self.close()

    def _forget_answer(self) -> None:
        self._status = 0
        self._received_bytes = 0
        self._content_type = ""
        self._is_delimited = False
        self._pieces = []
