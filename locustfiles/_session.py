"""Owns the client of one user: every request becomes one operation, and one figure of locust.

As the recording client of the harness it never retries, and sends some writes a second time under
their transaction id. What the load balancer is told is the same to the byte.
"""

import os
import socket
import time
from typing import Any

from locust.contrib.fasthttp import FastHttpSession, LocustBadStatusCode

from harness.client.api import Request
from harness.client.recorder import CUT_SHORT, NOT_SENT, Answer, Recorder, Times, answer_of
from harness.client.repeats import TRANSACTION_HEADER, Sent
from harness.labs.administration import CLIENT_TOKEN_VARIABLE
from harness.model.operation import Completion, Invocation, Kind, Operation

_NEVER_SENT = (ConnectionRefusedError, socket.gaierror)


class RecordingSession:
    """One user's requests, one after another."""

    def __init__(self, http: FastHttpSession, recorder: Recorder) -> None:
        self._http = http
        self._recorder = recorder
        self._headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if token := os.environ.get(CLIENT_TOKEN_VARIABLE):
            self._headers["Authorization"] = f"Bearer {token}"

    def perform(self, invocation: Invocation, intended_ns: int) -> Operation:
        """Do it, and record it."""
        call = self._recorder.prepare(invocation)
        if call.request is None:
            now_ns = time.monotonic_ns()
            return self._recorder.complete(call, NOT_SENT, Times(intended_ns, now_ns, now_ns))
        answer = CUT_SHORT
        operation: Operation | None = None
        invoked_ns = time.monotonic_ns()
        try:
            with self._request(call.request, call.transaction_id, _name(invocation)) as response:
                completed_ns = time.monotonic_ns()
                answer = _answer_in(response)
                times = Times(intended_ns, invoked_ns, completed_ns)
                operation = self._recorder.complete(call, answer, times)
                _tell(response, operation.completion, operation.error, operation.latency_ns)
        finally:
            # A user that is stopped in mid-request has an operation in doubt.
            if operation is None:
                times = Times(intended_ns, invoked_ns, time.monotonic_ns())
                operation = self._recorder.complete(call, answer, times)
        if (due := self._recorder.next_repeat()) is not None:
            self._repeat(due)
        return operation

    def _repeat(self, sent: Sent) -> None:
        invoked_ns = time.monotonic_ns()
        with self._request(sent.request, sent.operation.transaction_id, "repeat") as response:
            completed_ns = time.monotonic_ns()
            answer = _answer_in(response)
            _tell(response, answer.completion, answer.error, completed_ns - invoked_ns)
            self._recorder.repeated(sent, answer, Times(invoked_ns, invoked_ns, completed_ns))

    def _request(self, request: Request, transaction_id: str, name: str) -> Any:
        headers = dict(self._headers)
        if transaction_id:
            headers[TRANSACTION_HEADER] = transaction_id
        return self._http.request(
            request.method,
            request.path,
            name=name,
            data=request.body,  # type: ignore[arg-type]  # bytes are sent as they are
            headers=headers,
            catch_response=True,
        )


def _name(invocation: Invocation) -> str:
    """Name the sort of request in locust's figures."""
    if invocation.kind is Kind.CREATE:
        return str(invocation.kind)
    return f"{invocation.kind} by {invocation.addressing}"


def _answer_in(response: Any) -> Answer:
    """Say what came back; what broke off after the head is no answer."""
    status: int = response.status_code
    error = response.error if status == 0 else response.request_meta["exception"]
    if status == 0 or (error is not None and not isinstance(error, LocustBadStatusCode)):
        # A connection that was not made in time may have been made: locust does not tell.
        never_sent = isinstance(error, _NEVER_SENT)
        return Answer(Completion.FAIL if never_sent else Completion.INFO, error=repr(error))
    headers = response.headers or {}
    return answer_of(status, headers.get(TRANSACTION_HEADER) or "", response.content or b"")


def _tell(response: Any, completion: Completion, error: str, latency_ns: int) -> None:
    """Give locust its figures: the time counts from the intended start."""
    response.request_meta["response_time"] = latency_ns / 1e6
    if completion is Completion.OK:
        response.success()
    else:
        response.failure(f"{completion}: {error}")
