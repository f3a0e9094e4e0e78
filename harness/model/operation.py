"""Owns what one client did: its invocation and how it completed. Knows no transport."""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What a client asked for."""

    CREATE = "create"
    ADD = "add"
    UPSERT = "upsert"
    DELETE = "delete"
    GET = "get"
    QUERY = "query"

    @property
    def is_write(self) -> bool:
        """Tell whether the operation can change what is stored."""
        return self not in (Kind.GET, Kind.QUERY)


class Addressing(StrEnum):
    """How an invocation names the documents it is about."""

    NAME = "name"
    IDS = "ids"
    WHERE = "where"
    EMBEDDING = "embedding"


class Completion(StrEnum):
    """What is known of an operation: done, certainly not done, or nothing (in doubt)."""

    OK = "ok"
    FAIL = "fail"
    INFO = "info"


class Invocation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request before it is sent.

    `tokens` runs parallel to `ids` and names the content written (add, upsert) or the content whose
    embedding is searched for (query). `file` is the file that `where` selects.
    """

    kind: Kind
    addressing: Addressing
    collection: str
    ids: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    file: str = ""


class Operation(Invocation, frozen=True, kw_only=True, omit_defaults=True, tag="operation"):
    """An invocation and its completion; all times come from one monotonic clock.

    `process` and `number` name the operation uniquely. `observed` holds the tokens that a read
    returned, in the order of the answer.
    """

    process: str
    number: int
    phase: str
    completion: Completion
    intended_ns: int
    invoked_ns: int
    completed_ns: int
    transaction_id: str = ""
    http_status: int = 0
    error: str = ""
    observed: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """A short unique reference, such as `client-2#17`."""
        return f"{self.process}#{self.number}"

    @property
    def latency_ns(self) -> int:
        """The time from the intended start, so that a stalled client hides nothing."""
        return self.completed_ns - self.intended_ns
