"""Owns the client whose every call becomes exactly one operation of the history.

It never retries: what a user would see is what is recorded. Where the load balancer knows
transaction ids it sends some writes again, which are records of another kind. It refuses
collections outside the run's own prefix, and protected ones, so that a run touches nothing else.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from harness.client import outcome
from harness.client.addresses import Addresses
from harness.client.api import Request
from harness.client.connected import Connected
from harness.client.guard import PROTECTED
from harness.client.recorder import (
    CUT_SHORT,
    NOT_SENT,
    Answer,
    Recorder,
    RecorderContext,
    Times,
    answer_of,
)
from harness.client.repeats import TRANSACTION_HEADER, Sent
from harness.model.history import HistoryWriter
from harness.model.operation import Completion, Invocation, Operation


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

    @property
    def for_recorder(self) -> RecorderContext:
        """What of it a recorder needs."""
        return RecorderContext(
            header=self.log.history.header,
            append=self.log.append,
            phase_at=self.phase_at,
            new_transaction_id=self.new_transaction_id,
            addresses=self.addresses,
            protected=self.protected,
        )


_TRICKLE_SECONDS = 1.0


class RecordingClient(Connected):
    """One logical single-threaded client with connections of its own."""

    def __init__(self, process: str, context: ClientContext) -> None:
        self.process = process
        self.in_flight: Invocation | None = None
        self._context = context
        self._recorder = Recorder(process, context.for_recorder)
        headers = {**context.headers, "Content-Type": "application/json"}
        super().__init__(context.lb_url, context.timeout_seconds, headers)

    async def perform(self, invocation: Invocation, intended_ns: int) -> Operation:
        """Do it, record it, and return the record; raises only for misuse or cancellation."""
        call = self._recorder.prepare(invocation)
        answer = CUT_SHORT
        self.in_flight = call.invocation
        # The clock is read next to the I/O, with encoding before and decoding after it.
        invoked_ns = completed_ns = self._context.clock()
        try:
            if call.request is None:
                answer = NOT_SENT
            else:
                answer = await self._send(call.request, call.transaction_id)
        finally:
            completed_ns = self._context.clock()
            times = Times(intended_ns, invoked_ns, completed_ns)
            operation = self._recorder.complete(call, answer, times)
            self.in_flight = None
        if (due := self._recorder.next_repeat()) is not None:
            await self._repeat(due)
        return operation

    async def _repeat(self, sent: Sent) -> None:
        """Send a write again, the same to the byte; a call that is cut short leaves no record."""
        first = sent.operation
        self.in_flight = first
        try:
            invoked_ns = self._context.clock()
            answer = await self._send(sent.request, first.transaction_id)
            completed_ns = self._context.clock()
        finally:
            self.in_flight = None
        self._recorder.repeated(sent, answer, Times(invoked_ns, invoked_ns, completed_ns))

    async def _send(self, request: Request, transaction_id: str) -> Answer:
        headers = {TRANSACTION_HEADER: transaction_id} if transaction_id else {}
        try:
            # httpx's own time limit is one for each piece of an answer, however many trickle in.
            async with asyncio.timeout(self._context.timeout_seconds + _TRICKLE_SECONDS):
                response = await self._http.request(
                    request.method, request.path, content=request.body, headers=headers
                )
        except TimeoutError:
            return Answer(Completion.INFO, error="no whole answer in time")
        except httpx.HTTPError as error:
            return Answer(outcome.of_error(error), error=repr(error))
        answered_id = response.headers.get(TRANSACTION_HEADER, "")
        return answer_of(response.status_code, answered_id, response.content)
