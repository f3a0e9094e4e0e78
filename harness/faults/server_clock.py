"""Owns how a server is asked for its time of day, from outside and in its own words.

Chroma tells it in its heartbeat, PostgreSQL in an answer to a query, and any other HTTP server in
the `Date` of an answer. Plain TCP, as in `probe`: one small request on a new connection.
"""

import asyncio
import re
import struct
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from harness.client.api import HEARTBEAT

_PATIENCE_SECONDS = 2.0
_DATE = re.compile(rb"\r\ndate: ([^\r]+)\r\n", re.IGNORECASE)
_HEARTBEAT_NS = re.compile(rb'"nanosecond heartbeat":\s*(\d+)')
_STARTUP = b"user\0postgres\0database\0postgres\0\0"
_QUERY = b"select extract(epoch from clock_timestamp())::float8\0"


async def server_seconds(url: str, heartbeat_is_own: bool) -> float:
    """Ask for the time since 1970 by the server's own clock.

    A load balancer passes on the heartbeat of an instance, but says the date by itself; Chroma
    says an old date while its clock is behind what it said last. Raises `OSError`, `ValueError` or
    `asyncio.IncompleteReadError` when it does not tell.
    """
    parts = urlsplit(url)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection(str(parts.hostname), parts.port or 0)
        try:
            if parts.scheme == "postgresql":
                return await _ask_postgres(reader, writer)
            answer = await _ask_http(reader, writer)
            return _heartbeat(answer) if heartbeat_is_own else _date(answer)
        finally:
            writer.transport.abort()


async def _ask_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    request = f"GET {HEARTBEAT} HTTP/1.1\r\nHost: clock\r\nConnection: close\r\n\r\n"
    writer.write(request.encode())
    return await reader.read()


def _date(answer: bytes) -> float:
    found = _DATE.search(answer)
    if found is None:
        raise ValueError("its answer has no date")
    return parsedate_to_datetime(found[1].decode()).timestamp()


def _heartbeat(answer: bytes) -> float:
    found = _HEARTBEAT_NS.search(answer)
    if found is None:
        raise ValueError("its answer has no heartbeat")
    return int(found[1]) / 1e9


async def _ask_postgres(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    # https://www.postgresql.org/docs/current/protocol-message-formats.html
    writer.write(struct.pack("!II", len(_STARTUP) + 8, 196608) + _STARTUP)
    writer.write(b"Q" + struct.pack("!I", len(_QUERY) + 4) + _QUERY)
    while True:
        kind, length = struct.unpack("!cI", await reader.readexactly(5))
        body = await reader.readexactly(length - 4)
        if kind == b"E":
            raise ValueError(f"PostgreSQL refused: {body!r}")
        if kind == b"D":
            # One column: the number of columns, its length, and its text.
            return float(body[6:])
