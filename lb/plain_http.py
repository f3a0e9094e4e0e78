"""The heads of plain requests for Chroma's API, and of answers. Pure.

Only what is spelt in the one usual way is plain: everything else is left to aiohttp, which knows
all of HTTP and refuses what two servers could understand differently.
"""

import re
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

from aiohttp.http import SERVER_SOFTWARE

MOST_HEAD_BYTES = 4 << 10
MOST_BODY_BYTES = 60 << 10
"""Together they fit into what any connection may have received before somebody reads it."""

_REQUEST_LINE = re.compile(
    rb"(GET|POST|PUT|DELETE|PATCH) (/api/v2/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)"
    rb"(?:\?([A-Za-z0-9._~!$&'()*+,;=:@%/?-]*))? HTTP/1\.1"
)
_FIELD = re.compile(rb"([A-Za-z0-9-]+):[ \t]*([!-~](?:[\t -~]*[!-~])?)?[ \t]*")
_LENGTH = re.compile(r"[0-9]{1,6}")

NOT_PLAIN = frozenset({"transfer-encoding", "content-encoding", "expect", "upgrade", "trailer"})
"""Headers that ask for more than one message in and one message out."""


class Head(NamedTuple):
    """What a plain request asks for; headers by their names in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body_bytes: int


@lru_cache(maxsize=512)
def parse_head(head: bytes) -> Head | None:
    """Take a head apart, up to and with its empty line; None when it is not plain.

    Clients repeat themselves: the same bytes are taken apart once.
    """
    first, *lines = head[:-4].split(b"\r\n")
    line = _REQUEST_LINE.fullmatch(first)
    if line is None:
        return None
    headers: dict[str, str] = {}
    for each in lines:
        field = _FIELD.fullmatch(each)
        if field is None:
            return None
        name = field[1].decode().lower()
        if name in headers:
            return None
        headers[name] = (field[2] or b"").decode()
    length = headers.get("content-length", "0")
    if not _is_plain(headers) or not _LENGTH.fullmatch(length):
        return None
    if int(length) > MOST_BODY_BYTES:
        return None
    method, path, query = (line[1].decode(), line[2].decode(), (line[3] or b"").decode())
    return Head(method, path, query, headers, int(length))


def _is_plain(headers: dict[str, str]) -> bool:
    """Tell whether the message is framed by its length alone, and the connection goes on."""
    goes_on = headers.get("connection", "keep-alive").lower() == "keep-alive"
    return goes_on and "host" in headers and NOT_PLAIN.isdisjoint(headers)


BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
"""The statuses of answers that end with their head."""


def answer_head(
    status: int, headers: Mapping[str, str], body_bytes: int, now: int, *, is_last: bool
) -> bytes:
    """Write the head of an answer with the same headers as aiohttp does.

    `now` is in seconds since 1970; `is_last` says that the connection ends.
    """
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    length = "" if status in BODILESS else f"Content-Length: {body_bytes}\r\n"
    end = "Connection: close\r\n" if is_last else ""
    head = f"{_status_line(status)}{fields}{length}{_date_and_server(now)}{end}\r\n"
    return head.encode("utf-8", "replace")


@lru_cache(maxsize=64)
def _status_line(status: int) -> str:
    phrase = next((known.phrase for known in HTTPStatus if known == status), "")
    return f"HTTP/1.1 {status} {phrase}\r\n"


@lru_cache(maxsize=1)
def _date_and_server(now: int) -> str:
    return f"Date: {formatdate(now, usegmt=True)}\r\nServer: {SERVER_SOFTWARE}\r\n"
