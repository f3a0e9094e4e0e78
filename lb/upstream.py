"""The HTTP client towards one instance; maps what can go wrong to our errors, retries nothing."""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass

import aiohttp
from yarl import URL

from lb.errors import (
    InstanceError,
    InstanceUnreachableError,
    LeadUnconfirmedError,
    RequestGivenUpError,
    ServerFailedError,
)
from lb.instances import Instance
from lb.leader import Lead
from lb.model import Answer

CONNECTIONS_PER_PURPOSE = 64

GATEWAY_STATUSES = frozenset({502, 503, 504})
"""What is said in place of a server that is away, or by one that is too busy: it did not fail."""


@dataclass(eq=False)
class OutstandingWrite:
    """A write that has no answer yet."""

    started_at: float
    transport: asyncio.Transport | None = None
    was_reset: bool = False

    def reset(self) -> None:
        """End its connection so that the kernel drops what it has not sent."""
        self.was_reset = True
        if self.transport is not None:
            sock = self.transport.get_extra_info("socket")
            with suppress(OSError):  # It broke by itself, and who waits for it was not told yet.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()


_current_write: ContextVar[OutstandingWrite] = ContextVar("current write")


class _WriteRequest(aiohttp.ClientRequest):
    """Tells the write that is being sent which connection it is on."""

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        write = _current_write.get()
        if write.transport is not None:
            # aiohttp sends a PUT or DELETE again by itself when its connection breaks: the first
            # one may still arrive, and a reset would have no barrier.
            raise aiohttp.ClientConnectionError("the connection broke; it is not sent again")
        write.transport = conn.transport
        return await super().send(conn)


class Upstream:
    """Requests to one instance.

    Writes, reads and probes have connections of their own, so that requests that hang never keep
    the others from being tried. A write has no time limit: it ends with an answer or with its
    connection (invariant 13 of the design); connecting has one.
    """

    def __init__(
        self,
        instance: Instance,
        clock: Callable[[], float],
        connect_timeout_seconds: float,
        lead: Lead,
    ) -> None:
        self.instance = instance
        self._clock = clock
        self._lead = lead
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout_seconds)
        self.outstanding: set[OutstandingWrite] = set()
        keep = aiohttp.TCPConnector(limit=CONNECTIONS_PER_PURPOSE, keepalive_timeout=30)
        self._writes = self._session(keep, _WriteRequest)
        keep = aiohttp.TCPConnector(limit=CONNECTIONS_PER_PURPOSE, keepalive_timeout=30)
        self._reads = self._session(keep)
        self._probes = self._session(aiohttp.TCPConnector(limit=1, keepalive_timeout=30))
        self._fresh = self._session(aiohttp.TCPConnector(limit=4, force_close=True))

    def _session(
        self,
        connector: aiohttp.TCPConnector,
        request_class: type[aiohttp.ClientRequest] = aiohttp.ClientRequest,
    ) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            base_url=self.instance.url,
            connector=connector,
            request_class=request_class,
            timeout=self._timeout,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close all connections."""
        for session in (self._writes, self._reads, self._probes, self._fresh):
            await session.close()

    async def write(self, method: str, path: str, body: bytes, content_type: str) -> Answer:
        """Send a write; returns a definite answer or raises `InstanceError`.

        `RequestGivenUpError` when it was reset: then it may still arrive, at any later time.
        `LeadUnconfirmedError` when another load balancer may be active: then it was not sent.
        """
        if not self._lead.is_confirmed:
            raise LeadUnconfirmedError(self.instance.name, "not sent: the lock is not confirmed")
        write = OutstandingWrite(self._clock())
        _current_write.set(write)
        self.outstanding.add(write)
        try:
            answer = await self._request(self._writes, method, path, body, content_type)
        except InstanceUnreachableError as error:
            if write.was_reset:
                raise RequestGivenUpError(self.instance.name, error.cause) from error
            raise
        finally:
            self.outstanding.discard(write)
        self.instance.write_latency.note(self._clock() - write.started_at)
        self._check_definite(answer)
        if answer.is_success:
            self.instance.note_write()
        return answer

    async def write_afresh(self, method: str, path: str, body: bytes, content_type: str) -> Answer:
        """Send a write of our own on a new connection; raises `InstanceError`."""
        answer = await self._request(self._fresh, method, path, body, content_type)
        self._check_definite(answer)
        return answer

    def _check_definite(self, answer: Answer) -> None:
        if answer.is_definite:
            return
        failed = answer.status >= 500 and answer.status not in GATEWAY_STATUSES
        raise (ServerFailedError if failed else InstanceError)(self.instance.name, describe(answer))

    async def read(
        self, method: str, path: str, body: bytes = b"", content_type: str = ""
    ) -> Answer:
        """Send a read; returns any answer, or raises `InstanceUnreachableError`."""
        started = self._clock()
        answer = await self._request(self._reads, method, path, body, content_type)
        self.instance.read_latency.note(self._clock() - started)
        return answer

    async def probe(self, timeout_seconds: float) -> None:
        """Ask for a heartbeat; raises `InstanceError`, `InstanceUnreachableError`, TimeoutError."""
        async with asyncio.timeout(timeout_seconds):
            answer = await self._request(self._probes, "GET", "/api/v2/heartbeat", b"", "")
        if answer.status != 200:
            raise InstanceError(self.instance.name, describe(answer))

    async def _request(
        self, session: aiohttp.ClientSession, method: str, path: str, body: bytes, kind: str
    ) -> Answer:
        headers = {"Content-Type": kind} if kind else {}
        try:
            async with session.request(
                method,
                URL(path, encoded=True),
                data=body or None,
                headers=headers,
                skip_auto_headers=("Content-Type", "User-Agent"),
                allow_redirects=False,
            ) as response:
                received = await response.read()
                content_type = as_text(response.headers.get("Content-Type", ""))
                answer = Answer(response.status, received, content_type)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            cause = f"{type(error).__name__}: {error}"
            raise InstanceUnreachableError(self.instance.name, cause) from error
        self.instance.note_answer()
        return answer


def describe(answer: Answer) -> str:
    """Say in one line what an instance answered."""
    return f"HTTP {answer.status} {answer.body[:200].decode(errors='replace')}"


def as_text(header: str) -> str:
    """Return a header that can be stored: bytes that are not UTF-8 come as lone surrogates."""
    return header.encode("utf-8", "replace").decode()
