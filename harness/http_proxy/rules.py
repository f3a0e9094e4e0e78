"""Owns what may be done to requests, and which requests are meant. Pure values."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class What(StrEnum):
    """Which requests are meant, by method and path, as Chroma's API has them."""

    ALL = "all"
    READS = "reads"
    WRITES = "writes"
    HEARTBEAT = "heartbeat"
    CREATE = "create"
    ADD = "add"
    UPSERT = "upsert"
    UPDATE = "update"
    DELETE = "delete"
    GET = "get"
    QUERY = "query"

    def means(self, method: str, path: str) -> bool:
        """Tell whether a request is meant; a heartbeat is neither a read nor a write."""
        last = path.partition("?")[0].rstrip("/").rpartition("/")[2]
        match self:
            case What.ALL:
                return True
            case What.HEARTBEAT:
                return last in _SIGNS_OF_LIFE
            case What.READS:
                return _is_read(method, last) and last not in _SIGNS_OF_LIFE
            case What.WRITES:
                return not _is_read(method, last)
            case _:
                return method == "POST" and last == _LAST_WORDS.get(self, self.value)


_SIGNS_OF_LIFE = frozenset({"heartbeat", "healthcheck"})
_READ_BY_POST = frozenset({"get", "query"})
_LAST_WORDS: Mapping[What, str] = {What.CREATE: "collections"}


def _is_read(method: str, last: str) -> bool:
    return method in ("GET", "HEAD", "OPTIONS") or (method == "POST" and last in _READ_BY_POST)


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """The request never reaches the server: it is answered this status in its place."""

    status: int


class DropAnswer(msgspec.Struct, frozen=True, tag="drop-answer"):
    """The server carries it out; the connection is closed in place of the answer."""


class Hold(msgspec.Struct, frozen=True, tag="hold"):
    """It reaches the server so much later, whoever has given it up meanwhile."""

    seconds: float


class StopRequest(msgspec.Struct, frozen=True, tag="stop-request"):
    """The whole request has come and waits until the rule is lifted; then it goes on."""


class StopAnswer(msgspec.Struct, frozen=True, tag="stop-answer"):
    """The server's whole answer has come and waits until the rule is lifted; then it goes on."""


Deed = Answer | DropAnswer | Hold | StopRequest | StopAnswer


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A deed for the requests that are meant: for the first `most` of them, or for all."""

    name: str
    what: What
    deed: Deed
    most: int | None = None


class Tally(msgspec.Struct, kw_only=True):
    """What became of a rule; it is kept when the rule is lifted, until it is set again.

    `taken` requests were singled out, `done` of them met their fate to the end: they were answered
    in the server's place, or the server carried them out (2xx) and they met it before or after.
    `given_up` counts those whose client was gone by then. `first_ns` is the moment when the first
    one was singled out (for a stopped answer: when that had come), by the monotonic clock, which
    all processes of a machine share.
    """

    in_force: bool = False
    taken: int = 0
    done: int = 0
    under_way: int = 0
    given_up: int = 0
    first: str = ""
    first_ns: int = 0
