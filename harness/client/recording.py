"""Owns the client whose every call becomes exactly one operation of the history.

It never retries: what a user would see is what is recorded. Where the load balancer knows
transaction ids it sends some writes again, which are records of another kind. It refuses
collections outside the run's own prefix, and protected ones, so that a run touches nothing else.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx
import msgspec

from harness.client import outcome
from harness.client.addresses import Addresses
from harness.client.api import (
    Collection,
    ContentRules,
    Documents,
    Matches,
    Request,
    request_of,
)
from harness.client.connected import Connected
from harness.client.guard import PROTECTED, Guard
from harness.client.repeats import TRANSACTION_HEADER, Repeats, Sent
from harness.model.collection import collection_tokens
from harness.model.document import tokens_in
from harness.model.history import HistoryWriter
from harness.model.observation import Repeat
from harness.model.operation import Completion, Invocation, Kind, Operation


@dataclass(frozen=True)
class ClientContext:
    """What all clients of a run share; `addresses` says what the lb calls the collections.

    `protected` collections are refused whatever their names begin with; `headers` are sent along.
    """

    lb_url: str
    log: HistoryWriter
    phase_at: Callable[[int], str]
    clock: Callable[[], int]
    new_transaction_id: Callable[[], str]
    timeout_seconds: float = 10.0
    addresses: Addresses = field(default_factory=Addresses)
    protected: frozenset[str] = PROTECTED
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class _Answer:
    completion: Completion
    status: int = 0
    error: str = ""
    observed: tuple[str, ...] = ()
    transaction_id: str = ""
    counted: int | None = None


# What is recorded when the server never said what it calls the collection.
_NOT_SENT = _Answer(Completion.FAIL, error="not sent: no create of the collection was answered")
# What is recorded when a call ends by an exception, cancellation above all.
_CUT_SHORT = _Answer(Completion.INFO, error="the call was cut short")
_ERROR_TEXT_CHARACTERS = 300
_TRICKLE_SECONDS = 1.0


class RecordingClient(Connected):
    """One logical single-threaded client with connections of its own."""

    def __init__(self, process: str, context: ClientContext) -> None:
        self.process = process
        self.in_flight: Invocation | None = None
        self._context = context
        header = context.log.history.header
        self._header = header
        self._rules = ContentRules(header.seed, header.dimensions, header.text_bytes)
        self._number = 0
        self._repeats = Repeats(self._header.seed, process)
        self._guard = Guard((header.prefix,), context.protected)
        headers = {**context.headers, "Content-Type": "application/json"}
        super().__init__(context.lb_url, context.timeout_seconds, headers)

    async def perform(self, invocation: Invocation, intended_ns: int) -> Operation:
        """Do it, record it, and return the record; raises only for misuse or cancellation."""
        self._guard.check_invocation(invocation)
        naming, address = self._context.addresses.resolve(invocation, self._number)
        invocation = msgspec.structs.replace(invocation, naming=naming)
        request = None if address is None else request_of(invocation, address, self._rules)
        transaction_id = self._context.new_transaction_id() if invocation.kind.is_write else ""
        answer = _CUT_SHORT
        body = b""
        self.in_flight = invocation
        self._number += 1
        # The clock is read next to the I/O, with encoding before and decoding after it.
        invoked_ns = completed_ns = self._context.clock()
        try:
            if request is None:
                answer = _NOT_SENT
            else:
                answer, body = await self._send(request, transaction_id)
        finally:
            completed_ns = self._context.clock()
            operation = self._record(
                self._interpret(invocation, answer, body),
                invocation,
                transaction_id,
                (intended_ns, invoked_ns, completed_ns),
            )
            self.in_flight = None
        if request is not None:
            sent = Sent(request, operation, _beginning(body))
            self._repeats.note(sent, answer.transaction_id)
        if (due := self._repeats.next_due()) is not None:
            await self._repeat(due)
        return operation

    async def _repeat(self, sent: Sent) -> None:
        """Send a write again, the same to the byte; a call that is cut short leaves no record."""
        first = sent.operation
        self.in_flight = first
        try:
            invoked_ns = self._context.clock()
            answer, body = await self._send(sent.request, first.transaction_id)
            completed_ns = self._context.clock()
        finally:
            self.in_flight = None
        self._context.log.append(
            Repeat(
                repeats=first.name,
                process=self.process,
                transaction_id=first.transaction_id,
                invoked_ns=invoked_ns,
                completed_ns=completed_ns,
                first_status=first.http_status,
                first_body=sent.body,
                status=answer.status,
                body=_beginning(body),
                error=answer.error,
            )
        )

    async def _send(self, request: Request, transaction_id: str) -> tuple[_Answer, bytes]:
        headers = {TRANSACTION_HEADER: transaction_id} if transaction_id else {}
        try:
            # httpx's own time limit is one for each piece of an answer, however many trickle in.
            async with asyncio.timeout(self._context.timeout_seconds + _TRICKLE_SECONDS):
                response = await self._http.request(
                    request.method, request.path, content=request.body, headers=headers
                )
        except TimeoutError:
            return _Answer(Completion.INFO, error="no whole answer in time"), b""
        except httpx.HTTPError as error:
            return _Answer(outcome.of_error(error), error=repr(error)), b""
        completion = outcome.of_status(response.status_code)
        error_text = "" if completion is Completion.OK else response.text[:_ERROR_TEXT_CHARACTERS]
        answered_id = response.headers.get(TRANSACTION_HEADER, "")
        answer = _Answer(completion, response.status_code, error_text, transaction_id=answered_id)
        return answer, response.content

    def _interpret(self, invocation: Invocation, answer: _Answer, body: bytes) -> _Answer:
        """Read the body of a success; one that makes no sense is no success of a read."""
        if answer.completion is not Completion.OK:
            return answer
        try:
            if invocation.kind is Kind.COUNT:
                counted = msgspec.json.decode(body, type=int)
                return _Answer(answer.completion, answer.status, counted=counted)
            observed = self._observe(invocation, body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _Answer(Completion.INFO, answer.status, f"unreadable answer: {error}")
        return _Answer(answer.completion, answer.status, observed=observed)

    def _observe(self, invocation: Invocation, body: bytes) -> tuple[str, ...]:
        match invocation.kind:
            case Kind.CREATE:
                created = msgspec.json.decode(body, type=Collection)
                if created.name != invocation.collection:
                    # Its id would lead every later request to somebody else's collection.
                    raise msgspec.ValidationError(f"it names {created.name!r}")
                self._context.addresses.created(invocation, created.id)
            case Kind.RENAME:
                self._context.addresses.renamed(invocation)
            case Kind.DROP:
                self._context.addresses.dropped(invocation)
            case Kind.GET:
                metadatas = msgspec.json.decode(body, type=Documents).metadatas or []
                return tuple(t for metadata in metadatas for t in tokens_in(metadata))
            case Kind.QUERY:
                matches = msgspec.json.decode(body, type=Matches)
                return tuple(t for found in matches.metadatas for m in found for t in tokens_in(m))
            case Kind.LIST:
                listed = msgspec.json.decode(body, type=list[Collection])
                own = [c for c in listed if c.name.startswith(self._header.prefix)]
                return tuple(t for c in own for t in collection_tokens(c.name, c.metadata))
            case _:
                pass
        return ()

    def _record(
        self,
        answer: _Answer,
        invocation: Invocation,
        transaction_id: str,
        times_ns: tuple[int, int, int],
    ) -> Operation:
        intended_ns, invoked_ns, completed_ns = times_ns
        operation = Operation(
            **msgspec.structs.asdict(invocation),
            process=self.process,
            number=self._number,
            phase=self._context.phase_at(intended_ns),
            completion=answer.completion,
            intended_ns=intended_ns,
            invoked_ns=invoked_ns,
            completed_ns=completed_ns,
            transaction_id=transaction_id,
            http_status=answer.status,
            error=answer.error,
            observed=answer.observed,
            counted=answer.counted,
        )
        self._context.log.append(operation)
        return operation


def _beginning(body: bytes) -> str:
    return body[:_ERROR_TEXT_CHARACTERS].decode(errors="replace")
