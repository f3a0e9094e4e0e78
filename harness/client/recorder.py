"""Owns how the calls of one client process become operations of the history. Sends nothing.

invocation --> prepare --> [a client sends it] --> complete --> operation

A client of any transport prepares a call here, sends it, and completes it with what came back.
Collections outside the run's own prefix, and protected ones, are refused, so that a run touches
nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from harness.client.addresses import Addresses
from harness.client.api import (
    Collection,
    ContentRules,
    Documents,
    Matches,
    Request,
    request_of,
)
from harness.client.guard import PROTECTED, Guard
from harness.client.outcome import of_status
from harness.client.repeats import Repeats, Sent
from harness.model.collection import collection_tokens
from harness.model.document import tokens_in
from harness.model.history import Header
from harness.model.observation import Repeat
from harness.model.operation import Completion, Invocation, Kind, Operation

_BEGINNING_BYTES = 300


@dataclass(frozen=True)
class Call:
    """What is to be sent; nothing, where the server never said what it calls the collection."""

    invocation: Invocation
    request: Request | None
    transaction_id: str


@dataclass(frozen=True)
class Answer:
    """What came back, as it was seen; `transaction_id` is the one that the answer carried."""

    completion: Completion
    status: int = 0
    error: str = ""
    transaction_id: str = ""
    body: bytes = b""


@dataclass(frozen=True)
class Times:
    """When a call was intended, sent and answered, on one monotonic clock."""

    intended_ns: int
    invoked_ns: int
    completed_ns: int


NOT_SENT = Answer(Completion.FAIL, error="not sent: no create of the collection was answered")
"""What is recorded when the server never said what it calls the collection."""
CUT_SHORT = Answer(Completion.INFO, error="the call was cut short")
"""What is recorded when a call ends by an exception, cancellation above all."""


def answer_of(status: int, transaction_id: str, body: bytes) -> Answer:
    """Classify a whole answer."""
    completion = of_status(status)
    error = "" if completion is Completion.OK else _beginning(body)
    return Answer(completion, status, error, transaction_id, body)


@dataclass(frozen=True)
class RecorderContext:
    """What the recorders of a run share; `append` keeps a record, in the order of completion."""

    header: Header
    append: Callable[[Operation | Repeat], None]
    phase_at: Callable[[int], str]
    new_transaction_id: Callable[[], str]
    addresses: Addresses
    protected: frozenset[str] = PROTECTED


class Recorder:
    """Records one logical single-threaded client: each call becomes exactly one operation."""

    def __init__(self, process: str, context: RecorderContext) -> None:
        self._process = process
        self._context = context
        header = context.header
        self._prefix = header.prefix
        self._guard = Guard((header.prefix,), context.protected)
        self._rules = ContentRules(header.seed, header.dimensions, header.text_bytes)
        self._repeats = Repeats(header.seed, process)
        self._number = 0

    def prepare(self, invocation: Invocation) -> Call:
        """Encode it; raises `ProtectedCollectionError` for a collection of somebody else."""
        self._guard.check_invocation(invocation)
        naming, address = self._context.addresses.resolve(invocation, self._number)
        invocation = msgspec.structs.replace(invocation, naming=naming)
        request = None if address is None else request_of(invocation, address, self._rules)
        is_write = invocation.kind.is_write
        self._number += 1
        return Call(invocation, request, self._context.new_transaction_id() if is_write else "")

    def complete(self, call: Call, answer: Answer, times: Times) -> Operation:
        """Record how it ended. A success whose body makes no sense is in doubt."""
        completion, error = answer.completion, answer.error
        observed: tuple[str, ...] = ()
        counted: int | None = None
        if completion is Completion.OK:
            try:
                observed, counted = self._read(call.invocation, answer.body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as oddity:
                completion, error = Completion.INFO, f"unreadable answer: {oddity}"
        operation = Operation(
            **msgspec.structs.asdict(call.invocation),
            process=self._process,
            number=self._number,
            phase=self._context.phase_at(times.intended_ns),
            completion=completion,
            intended_ns=times.intended_ns,
            invoked_ns=times.invoked_ns,
            completed_ns=times.completed_ns,
            transaction_id=call.transaction_id,
            http_status=answer.status,
            error=error,
            observed=observed,
            counted=counted,
        )
        self._context.append(operation)
        if call.request is not None:
            sent = Sent(call.request, operation, _beginning(answer.body))
            self._repeats.note(sent, answer.transaction_id)
        return operation

    def next_repeat(self) -> Sent | None:
        """Give the write that is to be sent again now, if there is one."""
        return self._repeats.next_due()

    def repeated(self, sent: Sent, answer: Answer, times: Times) -> None:
        """Record what a write that was sent again was answered."""
        first = sent.operation
        self._context.append(
            Repeat(
                repeats=first.name,
                process=self._process,
                transaction_id=first.transaction_id,
                invoked_ns=times.invoked_ns,
                completed_ns=times.completed_ns,
                first_status=first.http_status,
                first_body=sent.body,
                status=answer.status,
                body=_beginning(answer.body),
                error=answer.error,
            )
        )

    def _read(self, invocation: Invocation, body: bytes) -> tuple[tuple[str, ...], int | None]:
        """Read the body of a success: the tokens observed, and the number counted."""
        addresses = self._context.addresses
        match invocation.kind:
            case Kind.COUNT:
                return (), msgspec.json.decode(body, type=int)
            case Kind.CREATE:
                created = msgspec.json.decode(body, type=Collection)
                if created.name != invocation.collection:
                    # Its id would lead every later request to somebody else's collection.
                    raise msgspec.ValidationError(f"it names {created.name!r}")
                addresses.created(invocation, created.id)
            case Kind.RENAME:
                addresses.renamed(invocation)
            case Kind.DROP:
                addresses.dropped(invocation)
            case _:
                return _observed(invocation.kind, body, self._prefix), None
        return (), None


def _observed(kind: Kind, body: bytes, prefix: str) -> tuple[str, ...]:
    match kind:
        case Kind.GET:
            metadatas = msgspec.json.decode(body, type=Documents).metadatas or []
            return tuple(t for metadata in metadatas for t in tokens_in(metadata))
        case Kind.QUERY:
            matches = msgspec.json.decode(body, type=Matches)
            return tuple(t for found in matches.metadatas for m in found for t in tokens_in(m))
        case Kind.LIST:
            listed = msgspec.json.decode(body, type=list[Collection])
            own = [c for c in listed if c.name.startswith(prefix)]
            return tuple(t for c in own for t in collection_tokens(c.name, c.metadata))
        case _:
            return ()


def _beginning(body: bytes) -> str:
    return body[:_BEGINNING_BYTES].decode(errors="replace")
