"""Owns the client whose every call becomes exactly one operation of the history.

It never retries: what a user would see is what is recorded. Where the load balancer knows
transaction ids it sends some writes again, which are records of another kind. It refuses
collections outside the run's own prefix, so that a run cannot touch anything else.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx
import msgspec

from harness.client import outcome
from harness.client.api import Collection, Documents, Matches, Request, request_of
from harness.client.repeats import TRANSACTION_HEADER, Repeats, Sent
from harness.errors import ProtectedCollectionError
from harness.model.document import token_in
from harness.model.history import HistoryWriter
from harness.model.observation import Repeat
from harness.model.operation import Completion, Invocation, Kind, Operation


@dataclass(frozen=True)
class ClientContext:
    """What all clients of a run share; `collection_ids` maps names to what the lb calls them."""

    lb_url: str
    log: HistoryWriter
    collection_ids: dict[str, str]
    phase_at: Callable[[int], str]
    clock: Callable[[], int]
    new_transaction_id: Callable[[], str]
    timeout_seconds: float = 10.0


@dataclass(frozen=True)
class _Answer:
    completion: Completion
    status: int = 0
    error: str = ""
    observed: tuple[str, ...] = ()
    transaction_id: str = ""


# What is recorded when a call ends by an exception, cancellation above all.
_CUT_SHORT = _Answer(Completion.INFO, error="the call was cut short")
_ERROR_TEXT_CHARACTERS = 300
_TRICKLE_SECONDS = 1.0


class RecordingClient:
    """One logical single-threaded client with connections of its own."""

    def __init__(self, process: str, context: ClientContext) -> None:
        self.process = process
        self.in_flight: Invocation | None = None
        self._context = context
        self._header = context.log.history.header
        self._number = 0
        self._repeats = Repeats(self._header.seed, process)
        self._http = httpx.AsyncClient(
            base_url=context.lb_url,
            timeout=context.timeout_seconds,
            trust_env=False,
            headers={"Content-Type": "application/json"},
        )

    async def perform(self, invocation: Invocation, intended_ns: int) -> Operation:
        """Do it, record it, and return the record; raises only for misuse or cancellation."""
        if not invocation.collection.startswith(self._header.prefix):
            raise ProtectedCollectionError(
                f"collection {invocation.collection!r} is not one of this run's own, "
                f"whose names begin with {self._header.prefix!r}: it was not touched"
            )
        request = self._encode(invocation)
        transaction_id = self._context.new_transaction_id() if invocation.kind.is_write else ""
        answer = _CUT_SHORT
        body = b""
        self.in_flight = invocation
        self._number += 1
        # The clock is read next to the I/O, with encoding before and decoding after it.
        invoked_ns = completed_ns = self._context.clock()
        try:
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

    def _encode(self, invocation: Invocation) -> Request:
        collection_id = self._context.collection_ids.get(invocation.collection, "")
        if not collection_id and invocation.kind is not Kind.CREATE:
            raise ProtectedCollectionError(
                f"collection {invocation.collection!r} was not created by this run: create it first"
            )
        return request_of(invocation, collection_id, self._header.seed, self._header.dimensions)

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
            observed = self._observe(invocation, body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _Answer(Completion.INFO, answer.status, f"unreadable answer: {error}")
        return _Answer(answer.completion, answer.status, observed=observed)

    def _observe(self, invocation: Invocation, body: bytes) -> tuple[str, ...]:
        match invocation.kind:
            case Kind.CREATE:
                created = msgspec.json.decode(body, type=Collection)
                self._context.collection_ids[invocation.collection] = created.id
                return ()
            case Kind.GET:
                metadatas = msgspec.json.decode(body, type=Documents).metadatas or []
                return tuple(token_in(metadata) for metadata in metadatas)
            case Kind.QUERY:
                found = msgspec.json.decode(body, type=Matches)
                return tuple(token_in(m) for metadatas in found.metadatas for m in metadatas)
            case _:
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
        )
        self._context.log.append(operation)
        return operation

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()


def _beginning(body: bytes) -> str:
    return body[:_ERROR_TEXT_CHARACTERS].decode(errors="replace")
