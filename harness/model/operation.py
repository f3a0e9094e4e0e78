"""Owns what one client did: its invocation and how it completed. Knows no transport."""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What a client asked for."""

    CREATE = "create"
    ADD = "add"
    UPSERT = "upsert"
    UPDATE = "update"
    DELETE = "delete"
    GET = "get"
    QUERY = "query"
    COUNT = "count"
    LIST = "list"
    MODIFY = "modify"
    RENAME = "rename"
    DROP = "drop"

    @property
    def is_write(self) -> bool:
        """Tell whether the operation can change what is stored."""
        return self not in (Kind.GET, Kind.QUERY, Kind.COUNT, Kind.LIST)

    @property
    def is_about_collection(self) -> bool:
        """Tell whether the operation writes the collection itself, not documents in it."""
        return self in (Kind.CREATE, Kind.MODIFY, Kind.RENAME, Kind.DROP)


class Addressing(StrEnum):
    """How an invocation names the documents it is about."""

    NAME = "name"
    IDS = "ids"
    WHERE = "where"
    EMBEDDING = "embedding"
    ALL = "all"


class Naming(StrEnum):
    """How a path names the collection: plain Chroma takes only the id that it gave itself."""

    ID = "id"
    """The id that the load balancer gave."""
    NAME = "name"
    INSTANCE = "instance"
    """The UUID that an instance of its own accord gave."""


class Completion(StrEnum):
    """What is known of an operation: done, certainly not done, or nothing (in doubt)."""

    OK = "ok"
    FAIL = "fail"
    INFO = "info"


class Invocation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request before it is sent.

    `tokens` runs parallel to `ids` and names the content written (add, upsert, update) or the
    content whose embedding is searched for (query). `file` is the file that `where` selects.
    `collection` is the label of the collection, whatever it is called by now; what is written of a
    collection itself is named by tokens as well (`harness.model.collection`).
    """

    kind: Kind
    addressing: Addressing
    collection: str
    ids: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    file: str = ""
    naming: Naming = Naming.ID


class Operation(Invocation, frozen=True, kw_only=True, omit_defaults=True, tag="operation"):
    """An invocation and its completion; all times come from one monotonic clock.

    `process` and `number` name the operation uniquely. `observed` holds the tokens that a read
    returned, in the order of the answer, and `counted` the number that a count did.
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
    counted: int | None = None

    @property
    def name(self) -> str:
        """A short unique reference, such as `client-2#17`."""
        return f"{self.process}#{self.number}"

    @property
    def latency_ns(self) -> int:
        """The time from the intended start, so that a stalled client hides nothing."""
        return self.completed_ns - self.intended_ns
