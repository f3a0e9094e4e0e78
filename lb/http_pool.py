"""A pool of HTTP connections to one server, for one purpose: who gets which connection, and when.

It repeats a request only where the caller says that it may, and only when the server had closed
an idle connection.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from urllib.parse import urlsplit

from lb.errors import HttpError, NotListeningError, UnansweredError
from lb.http_connection import HttpConnection, request_head
from lb.model import Answer

DEFAULT_PORTS = {"http": 80, "https": 443}


def nobody(_: asyncio.Transport) -> None:
    """Take no interest in the connection that a request is sent on."""


class HttpPool:
    """At most `limit` connections to the server of a URL; who finds none free waits in order.

    A connection that has been idle for `idle_seconds` is closed; 0 gives each request its own.
    `on_end` is told when one that was open is ended by somebody else.
    """

    def __init__(
        self,
        url: str,
        limit: int,
        idle_seconds: float,
        connect_timeout_seconds: float,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None, "the settings take no other URL"
        self._host = parts.hostname
        self._port = parts.port or DEFAULT_PORTS[parts.scheme]
        # A server that is asked on its default port is called by its name alone.
        is_default = self._port == DEFAULT_PORTS[parts.scheme]
        name = f"[{self._host}]" if ":" in self._host else self._host
        self._authority = name if is_default else f"{name}:{self._port}"
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._idle_seconds = idle_seconds
        self._connect_timeout_seconds = connect_timeout_seconds
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._free = limit
        self._idle: deque[HttpConnection] = deque()
        self._busy: set[HttpConnection] = set()
        self._waiters: deque[asyncio.Future[HttpConnection | None]] = deque()
        self._expiry: asyncio.TimerHandle | None = None
        self._is_closed = False

    def __repr__(self) -> str:
        return (
            f"<HttpPool {self._authority} busy={len(self._busy)} idle={len(self._idle)} "
            f"free={self._free} waiting={len(self._waiters)}>"
        )

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        content_type: str = "",
        *,
        is_repeatable: bool = False,
        sent_on: Callable[[asyncio.Transport], None] = nobody,
    ) -> Answer:
        """Send a request and return its whole answer; raises `HttpError`.

        `is_repeatable`: when an idle connection turns out to be closed, it is sent again, once, on
        a new one. `sent_on` is told the connection's transport before anything is sent.
        """
        head = request_head(method, path, self._authority, content_type, len(body))
        connection = self._take_idle() or await self._take()
        try:
            was_idle = connection.idle_since > 0
            try:
                return await self._ask_on(connection, method, head, body, sent_on)
            except UnansweredError:
                if not (was_idle and is_repeatable):
                    raise
            connection = await self._connect()
            return await self._ask_on(connection, method, head, body, sent_on)
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close all connections; what is asked on them, or waits for one, fails."""
        self._is_closed = True
        if self._expiry is not None:
            self._expiry.cancel()
        for connection in (*self._idle, *self._busy):
            connection.close()
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(HttpError("the load balancer closes its connections"))

    async def _ask_on(
        self,
        connection: HttpConnection,
        method: str,
        head: bytes,
        body: bytes,
        sent_on: Callable[[asyncio.Transport], None],
    ) -> Answer:
        assert connection.transport is not None
        self._busy.add(connection)
        sent_on(connection.transport)
        try:
            return await connection.ask(method, head, body)
        finally:
            self._busy.discard(connection)

    def _take_idle(self) -> HttpConnection | None:
        """Take the connection that was used last; those that cannot be used make room."""
        oldest = self._loop.time() - self._idle_seconds
        while self._idle:
            connection = self._idle.pop()
            if connection.is_reusable and connection.idle_since > oldest:
                return connection
            connection.close()
            self._free += 1
        return None

    async def _take(self) -> HttpConnection:
        """Make a connection, or wait until there is one or room for one."""
        if self._is_closed:
            raise HttpError("the load balancer has closed its connections")
        if self._free:
            self._free -= 1
        else:
            given = await self._wait()
            if given is not None and given.is_reusable:
                return given
        try:
            return await self._connect()
        except BaseException:
            self._give_back(None)
            raise

    async def _wait(self) -> HttpConnection | None:
        waiter: asyncio.Future[HttpConnection | None] = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._give_back(waiter.result())
            raise

    def _give_back(self, connection: HttpConnection | None) -> None:
        """Give a connection, or the room of one that is gone, to who waits first."""
        is_kept = connection is not None and connection.is_reusable and self._idle_seconds > 0
        if connection is not None and (self._is_closed or not is_kept):
            connection.close()
            connection = None
        if connection is not None:
            connection.idle_since = self._loop.time()
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        if connection is None:
            self._free += 1
            return
        self._idle.append(connection)
        if self._expiry is None:
            self._expiry = self._loop.call_later(self._idle_seconds, self._expire)

    def _expire(self) -> None:
        """Close what has been idle for too long; the oldest ones are on the left."""
        self._expiry = None
        oldest = self._loop.time() - self._idle_seconds
        while self._idle and self._idle[0].idle_since <= oldest:
            self._idle.popleft().close()
            self._free += 1
        if self._idle:
            due = self._idle[0].idle_since + self._idle_seconds
            self._expiry = self._loop.call_at(due, self._expire)

    async def _connect(self) -> HttpConnection:
        """Connect; the addresses of a name are tried one after the other."""
        try:
            async with asyncio.timeout(self._connect_timeout_seconds):
                _, connection = await self._loop.create_connection(
                    lambda: HttpConnection(self._on_end),
                    self._host,
                    self._port,
                    ssl=self._tls,
                )
        except TimeoutError as error:
            raise HttpError(
                f"no connection to {self._authority} within {self._connect_timeout_seconds:g} s"
            ) from error
        except (OSError, UnicodeError) as error:
            raise NotListeningError(f"cannot connect to {self._authority}: {error}") from error
        if self._is_closed:
            connection.close()
        return connection
