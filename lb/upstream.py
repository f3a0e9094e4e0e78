"""The HTTP client towards one instance; maps what can go wrong to our errors, retries nothing."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from lb.errors import (
    AnswerTooLongError,
    HttpError,
    InstanceError,
    InstanceUnreachableError,
    LeadUnconfirmedError,
    NobodyListensError,
    NotListeningError,
    RequestGivenUpError,
    ServerFailedError,
)
from lb.http_pool import HttpPool
from lb.instances import Instance
from lb.leader import Lead
from lb.model import Answer

CONNECTIONS_PER_PURPOSE = 64
IDLE_SECONDS = 30.0
"""Chroma 1.5.9 itself never closes an idle connection; what stands between may."""

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

    def note_transport(self, transport: asyncio.Transport) -> None:
        """Take note of the connection that it is sent on."""
        self.transport = transport


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
        self.outstanding: set[OutstandingWrite] = set()

        def pool(limit: int, idle_seconds: float = IDLE_SECONDS) -> HttpPool:
            return HttpPool(
                instance.url,
                limit,
                idle_seconds,
                connect_timeout_seconds,
                instance.note_connection_end,
            )

        self._writes = pool(CONNECTIONS_PER_PURPOSE)
        self._reads = pool(CONNECTIONS_PER_PURPOSE)
        self._probes = pool(1)
        self._fresh = pool(4, idle_seconds=0)

    async def close(self) -> None:
        """Close all connections."""
        for pool in (self._writes, self._reads, self._probes, self._fresh):
            pool.close()

    async def write(self, method: str, path: str, body: bytes, content_type: str) -> Answer:
        """Send a write; returns a definite answer or raises `InstanceError`.

        `RequestGivenUpError` when it was reset: then it may still arrive, at any later time.
        `LeadUnconfirmedError` when another load balancer may be active: then it was not sent.
        """
        if not self._lead.is_confirmed:
            raise LeadUnconfirmedError(self.instance.name, "not sent: the lock is not confirmed")
        write = OutstandingWrite(self._clock())
        self.outstanding.add(write)
        try:
            # Never repeated: the first may still arrive, and a reset would have no barrier.
            answer = await self._note(
                self._writes.ask(method, path, body, content_type, sent_on=write.note_transport)
            )
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
        answer = await self._note(self._fresh.ask(method, path, body, content_type))
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
        answer = await self._note(
            self._reads.ask(method, path, body, content_type, is_repeatable=True)
        )
        self.instance.read_latency.note(self._clock() - started)
        return answer

    async def probe(self, timeout_seconds: float) -> None:
        """Ask for a heartbeat; raises `InstanceError`, `InstanceUnreachableError`, TimeoutError."""
        async with asyncio.timeout(timeout_seconds):
            heartbeat = self._probes.ask("GET", "/api/v2/heartbeat", is_repeatable=True)
            answer = await self._note(heartbeat)
        if answer.status != 200:
            raise InstanceError(self.instance.name, describe(answer))

    async def _note(self, asking: Awaitable[Answer]) -> Answer:
        """Wait for an answer, and note that there was one; else say what that tells of it."""
        try:
            answer = await asking
        except AnswerTooLongError as error:
            raise InstanceError(self.instance.name, str(error)) from error
        except NotListeningError as error:
            raise NobodyListensError(self.instance.name, str(error)) from error
        except HttpError as error:
            raise InstanceUnreachableError(self.instance.name, str(error)) from error
        self.instance.note_answer()
        return answer


def describe(answer: Answer) -> str:
    """Say in one line what an instance answered."""
    return f"HTTP {answer.status} {answer.body[:200].decode(errors='replace')}"


def as_text(header: str) -> str:
    """Return a header that can be stored: bytes that are not UTF-8 come as lone surrogates."""
    return header if header.isascii() else header.encode("utf-8", "replace").decode()
