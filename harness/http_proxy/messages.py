"""Owns where HTTP/1.1 messages begin and end; it never changes a byte of them.

Only what tells the length of a body is read: https://www.rfc-editor.org/rfc/rfc9112#section-6
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

LONGEST_HEAD_BYTES = 1 << 20
_PIECE_BYTES = 1 << 16
_NO_BODY = frozenset({204, 304})


class NotHttpError(Exception):
    """These bytes are no HTTP/1.1 message; `seen` is what was read of them."""

    def __init__(self, seen: bytes) -> None:
        super().__init__(f"no HTTP: {seen[:80]!r}")
        self.seen = seen


@dataclass(frozen=True)
class Head:
    """The first lines of a message, as they came, and what follows from them.

    `length` is None for a body in chunks, and -1 for one that ends with the connection.
    """

    raw: bytes
    start: tuple[str, str, str]
    length: int | None
    awaits_continue: bool = False

    @property
    def status(self) -> int:
        """The status of an answer."""
        return int(self.start[1])


async def read_request_head(reader: asyncio.StreamReader) -> Head | None:
    """Read up to a request's body; None when the connection ends before."""
    return await _read_head(reader, of_answer=False)


async def read_answer_head(reader: asyncio.StreamReader) -> Head | None:
    """Read up to an answer's body; None when the connection ends before."""
    return await _read_head(reader, of_answer=True)


async def _read_head(reader: asyncio.StreamReader, *, of_answer: bool) -> Head | None:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise NotHttpError(error.partial) from None
        return None
    except asyncio.LimitOverrunError:
        raise NotHttpError(b"") from None
    try:
        return _parse(raw, of_answer=of_answer)
    except ValueError:
        raise NotHttpError(raw) from None


def _parse(raw: bytes, *, of_answer: bool) -> Head:
    first, *lines = raw.decode("latin-1").split("\r\n")
    start = first.split(" ", 2)
    version = start[0] if of_answer else start[-1]
    if len(start) < 2 + (not of_answer) or not version.startswith("HTTP/1."):
        raise ValueError(first)
    fields = {
        name.strip().lower(): value.strip().lower()
        for name, _, value in (line.partition(":") for line in lines)
    }
    length: int | None = int(fields.get("content-length", "-1" if of_answer else "0"))
    if "chunked" in fields.get("transfer-encoding", ""):
        length = None
    elif of_answer and (int(start[1]) < 200 or int(start[1]) in _NO_BODY):
        length = 0
    words = (start[0], start[1], start[2] if len(start) > 2 else "")
    return Head(raw, words, length, fields.get("expect", "") == "100-continue")


async def body_pieces(reader: asyncio.StreamReader, head: Head) -> AsyncIterator[bytes]:
    """Yield the bytes of the body as they come; raises `IncompleteReadError` for a torn one."""
    if head.length is None:
        async for piece in _chunks(reader):
            yield piece
    elif head.length < 0:
        while piece := await reader.read(_PIECE_BYTES):
            yield piece
    else:
        async for piece in _exactly(reader, head.length):
            yield piece


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        line = await reader.readuntil(b"\r\n")
        yield line
        size = int(line.partition(b";")[0], 16)
        if not size:
            break
        async for piece in _exactly(reader, size + 2):
            yield piece
    # Trailers, and the empty line after them.
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        yield line
    yield line


async def _exactly(reader: asyncio.StreamReader, count: int) -> AsyncIterator[bytes]:
    while count:
        piece = await reader.read(min(count, _PIECE_BYTES))
        if not piece:
            raise asyncio.IncompleteReadError(b"", count)
        count -= len(piece)
        yield piece
