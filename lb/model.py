"""The values that the rooms of the load balancer exchange; imports nothing of ours, does no I/O."""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

NOWHERE = UUID(int=0)
"""The id of no collection. A request sent there has no effect, and Chroma words the refusal."""


NAMESPACES = UUID(int=1)
"""The id of the lane in which tenants and databases are written, one after the other."""


class Kind(StrEnum):
    """What a WAL entry does to its collection, or to tenants and databases."""

    CREATE = "create"
    MODIFY = "modify"
    DROP = "drop"
    ADD = "add"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"
    CREATE_TENANT = "create_tenant"
    MODIFY_TENANT = "modify_tenant"
    CREATE_DATABASE = "create_database"
    DROP_DATABASE = "drop_database"


MARKING_REFUSAL = re.compile(
    rb'"message":"(Empty ID, ID must have at least|Inconsistent number of IDs, embeddings)'
)
"""How Chroma words the refusals that it makes only after it has set the dimension."""

UNIMPLEMENTED = b'"message":"Unimplemented: Sparse vector'
"""How Chroma refuses a write of documents that it could store only in its cloud."""

OF_NAMESPACES = frozenset(
    {Kind.CREATE_TENANT, Kind.MODIFY_TENANT, Kind.CREATE_DATABASE, Kind.DROP_DATABASE}
)
"""The kinds that concern tenants and databases."""

STRUCTURAL = frozenset({Kind.CREATE, Kind.MODIFY, Kind.DROP}) | OF_NAMESPACES
"""The kinds that change what a listing shows."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response in the part that matters: one of an instance, or one of our own."""

    status: int
    body: bytes
    content_type: str = "application/json"

    @property
    def is_success(self) -> bool:
        """Whether the request took effect."""
        return 200 <= self.status < 300

    @property
    def is_definite(self) -> bool:
        """Whether the answer proves what happened: 2xx it did, 4xx it certainly did not.

        Nothing else proves anything, nor do the 4xx that speak of the server's state, not the
        request. But for one 501: what Chroma cannot store it has not stored.
        """
        refused = 400 <= self.status < 500 and self.status not in (408, 425, 429)
        return self.is_success or refused or self._is_unimplemented

    @property
    def has_effect(self) -> bool:
        """Whether it changed the instance that gave it, so that every other has to follow.

        Chroma 1.5.9 sets a collection's dimension before it checks ids, lengths and sparse
        vectors: such a refusal leaves the dimension of the first vector behind.
        """
        marks = self.status == 400 and MARKING_REFUSAL.search(self.body) is not None
        return self.is_success or marks or self._is_unimplemented

    @property
    def _is_unimplemented(self) -> bool:
        return self.status == 501 and UNIMPLEMENTED in self.body


@dataclass(frozen=True, slots=True)
class Dependency:
    """An entry of another lane that an instance must have applied first (it freed a name)."""

    lane_id: UUID
    position: int


class Excuse(StrEnum):
    """Why a 5xx does not accuse the entry that got it."""

    SURVIVED = "the instance took a canary write afterwards"
    ENVIRONMENT = "the instance named its storage as the cause, and fails canary writes too"
    EVERYTHING = "the instance fails heartbeats too, which no write has been seen to cause"
    WAS_FAILING = "the instance failed canary writes before it was sent"


@dataclass(frozen=True, slots=True)
class Failure:
    """A 5xx that an instance gave to an entry.

    `failed_at` is of the monotonic clock. `was_failing`: its canary writes failed already before.
    """

    instance: str
    error: str
    at: datetime
    failed_at: float
    was_failing: bool = False
    excuse: Excuse | None = None


class Standing(StrEnum):
    """Whether an entry that got a 5xx may be sent."""

    SUSPECT = "suspect"
    """Not before there is evidence that it is harmless."""
    CLEARED = "cleared"
    """Yes: every failure has an excuse."""
    QUARANTINED = "quarantined"
    """Not before an administrator says so."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """All that is known of an entry that some instance answered with a 5xx."""

    failures: tuple[Failure, ...]
    standing: Standing
    since: datetime
    reason: str = ""


class Share(Protocol):
    """A share of the budget for bodies, counted while somebody keeps the body in memory."""

    def keep(self) -> None:
        """Note one more who needs the body."""

    def let_go(self) -> None:
        """Note that one needs it no longer."""


@dataclass(eq=False, slots=True)
class Entry:
    """One durable write intent, and what became of it.

    `position` is assigned by the log; `body` is None while it rests only in PostgreSQL, and
    `resolved_body` replaces it where the write had to be made repeatable before it was sent.
    """

    transaction_id: str
    lane_id: UUID
    kind: Kind
    path: str
    body: bytes | None
    content_type: str
    fingerprint: bytes
    body_bytes: int
    session: str = ""
    share: Share | None = None
    """What the body takes of the budget; None for what was not read from a client."""
    after: Dependency | None = None
    new_name: str | None = None
    position: int = 0
    resolved_body: bytes | None = None
    logged_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    first_sent_at: float | None = None
    attempts: int = 0
    in_doubt: set[str] = field(default_factory=set)
    """Instances that may have applied the entry although they gave no definite answer."""
    suspicion: Suspicion | None = None
    implicated_until: float = 0.0
    """Until then only the instance that has it now may answer it: another write failed there."""
    told_to_wait: bool = False
    """A client got a 503 while there was no outcome, or a restart came before one."""
    settled_at: datetime | None = None
    outcome: Answer | None = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_held(self) -> bool:
        """Whether no instance may be sent the entry: it may be what breaks them."""
        held = self.suspicion is not None and self.suspicion.standing is not Standing.CLEARED
        return held and self.outcome is None

    def __repr__(self) -> str:
        outcome = self.outcome.status if self.outcome else "none"
        return f"<Entry {self.position} {self.kind} lane={self.lane_id} outcome={outcome}>"


@dataclass(frozen=True, slots=True)
class Settlement:
    """The first definite outcome of an entry."""

    position: int
    answer: Answer
    attempts: int
    told_to_wait: bool = False
    settled_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Advance:
    """A cursor's move: the instance has applied the lane up to and with this position.

    `entry` is the one at that position, for failpoints.
    """

    lane_id: UUID
    instance: str
    position: int
    entry: Entry | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class MappingChange:
    """A collection's UUID on an instance; None when the instance no longer has it."""

    collection_id: UUID
    instance: str
    uuid: UUID | None


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether an instance is a member of a lane; `position` is None when it has left."""

    lane_id: UUID
    instance: str
    position: int | None


@dataclass(frozen=True, slots=True)
class Leftover:
    """A collection on an instance that is to be deleted there before anything is copied to it."""

    instance: str
    uuid: UUID
    tenant: str
    database: str


class CollectionState(StrEnum):
    """Where a collection is in its life; while it is DROPPING its name is free already."""

    CREATING = "creating"
    ACTIVE = "active"
    DROPPING = "dropping"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class CollectionChange:
    """The catalogue's row of a collection, as it is to be from now on."""

    collection_id: UUID
    tenant: str
    database: str
    name: str
    state: CollectionState
    members: tuple[str, ...] = ()
    """The lane's first members; given once, when the collection comes into the catalogue."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What one step learned, written in one commit or not at all; writing it twice is harmless."""

    advance: Advance | None = None
    settlement: Settlement | None = None
    mapping: MappingChange | None = None
    collection: CollectionChange | None = None
    resolved: tuple[int, bytes] | None = None
    membership: Membership | None = None
    leftover: Leftover | None = None
    removed: Leftover | None = None
    """A leftover that the instance no longer has, or that has become a member's collection."""
    suspicion: tuple[int, Suspicion | None] | None = None
    marked: tuple[str, UUID, int] | None = None
    """An instance, and the term and the position of the mark that it has taken."""
