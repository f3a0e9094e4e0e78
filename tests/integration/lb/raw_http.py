"""Requests byte by byte, for what no HTTP client would send."""

import asyncio
import contextlib
from dataclasses import dataclass


@dataclass(frozen=True)
class RawAnswer:
    """One response on a connection."""

    status: int
    body: bytes


async def raw_request(port: int, sent: bytes, timeout_seconds: float = 5.0) -> list[RawAnswer]:
    """Send bytes on one connection, and return all responses until the server closes it.

    The server closes it after `Connection: close`, and after what it does not understand.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    try:
        async with asyncio.timeout(timeout_seconds):
            writer.write(sent)
            while (answer := await _next(reader)) is not None:
                answers.append(answer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return answers


async def _next(reader: asyncio.StreamReader) -> RawAnswer | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    status, *lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    return RawAnswer(int(status.split()[1]), body)
