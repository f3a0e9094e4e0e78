"""Owns how a proof looks at a server: one small request on a new connection, and what came of it.

It speaks plain TCP, because a proof must tell apart what an HTTP client lumps together.
"""

import asyncio
import struct
import time
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from harness.client.api import HEARTBEAT

PATIENCE_SECONDS = 1.0
PADDING_BYTES = 8192


class Came(StrEnum):
    """What came of a request."""

    ANSWER = "answer"
    """The server's own, whole answer."""
    REFUSAL = "refusal"
    """The connection was not accepted."""
    RESET = "reset"
    """The connection was accepted, then reset."""
    END = "end"
    """The connection was closed before the answer was whole."""
    SILENCE = "silence"
    """The connection was accepted and nothing came, as long as was waited."""


@dataclass(frozen=True)
class Sight:
    """What came, how long it took, and how long after a whole answer the connection ended."""

    came: Came
    seconds: float
    closing_seconds: float = 0.0


async def look(url: str, patience_seconds: float = PATIENCE_SECONDS) -> Sight:
    """Ask the server at a URL (http or postgresql) for a sign of life. Raises nothing."""
    began = time.monotonic()
    parts = urlsplit(url)
    conversation = _Conversation(str(parts.hostname), parts.port or 0, _request(parts.scheme))
    try:
        async with asyncio.timeout(patience_seconds):
            came = await conversation.hold(parts.scheme)
    except TimeoutError:
        came = Came.SILENCE
    except ConnectionRefusedError:
        came = Came.REFUSAL
    except OSError:
        came = Came.RESET
    seconds = time.monotonic() - began
    answered = conversation.answered_at
    if came is not Came.ANSWER or answered is None:
        return Sight(came, seconds)
    return Sight(came, answered - began, time.monotonic() - answered)


class _Conversation:
    """One request and its answer; remembers when the answer was whole."""

    def __init__(self, host: str, port: int, request: bytes) -> None:
        self._host = host
        self._port = port
        self._request = request
        self.answered_at: float | None = None

    async def hold(self, scheme: str) -> Came:
        """Ask, and wait for the answer and the end of the connection."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(self._request)
            await writer.drain()
            if scheme == "postgresql":
                return await self._hear_postgres(reader, writer)
            return await self._hear_http(reader)
        finally:
            writer.transport.abort()

    async def _hear_http(self, reader: asyncio.StreamReader) -> Came:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_length(head))
        except asyncio.IncompleteReadError:
            return Came.END
        self.answered_at = time.monotonic()
        await reader.read()
        return Came.ANSWER

    async def _hear_postgres(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Came:
        # AuthenticationOk is the byte R, its length 8 and a zero.
        try:
            answer = await reader.readexactly(9)
        except asyncio.IncompleteReadError:
            return Came.END
        if answer[:1] != b"R":
            return Came.END
        self.answered_at = time.monotonic()
        writer.write(b"X" + struct.pack("!I", 4))
        await reader.read()
        return Came.ANSWER


def _request(scheme: str) -> bytes:
    """Write a request of some kilobytes, so that a narrow network shows."""
    if scheme == "postgresql":
        # https://www.postgresql.org/docs/current/protocol-message-formats.html (StartupMessage)
        startup = (
            b"user\0postgres\0database\0postgres\0application_name\0"
            + b"x" * PADDING_BYTES
            + b"\0\0"
        )
        return struct.pack("!II", len(startup) + 8, 196608) + startup
    # Servers refuse a single line that is longer than 8 kB.
    half = b"x" * (PADDING_BYTES // 2)
    head = f"GET {HEARTBEAT} HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n"
    return head.encode() + b"X-One: " + half + b"\r\nX-Two: " + half + b"\r\n\r\n"


def _length(head: bytes) -> int:
    fields = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next((int(value) for name, _, value in fields if name == b"content-length"), 0)
