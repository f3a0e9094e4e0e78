"""The HTTP face towards clients: turns requests for Chroma's API into reads and writes."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Protocol

from aiohttp import web

from lb.bodies import Bodies, Body
from lb.errors import (
    HTTP_STATUS,
    BadRequestError,
    OldApiError,
    PayloadTooLargeError,
    RequestError,
    StandingByError,
)
from lb.figures import Figures, RequestKind
from lb.logs import name_transaction, on_behalf_of
from lb.lookups import Lookups
from lb.model import Answer, Kind
from lb.paths import Target, parse_target
from lb.payloads import error_body
from lb.transaction_log import TransactionLog
from lb.upstream import as_text
from lb.write_request import WriteRequest
from lb.writes import Writes

TRANSACTION_HEADER = "Transaction-ID"
SESSION_HEADER = "Client-Session"
RETRY_AFTER_SECONDS = 1
MOST_ADMIN_BYTES = 64 << 10
"""The longest body that our own endpoints take."""


class Handler(Protocol):
    """A coroutine that answers an HTTP request."""

    async def __call__(self, request: web.Request, /) -> web.StreamResponse:
        """Answer the request."""
        ...


@dataclass(frozen=True)
class Service:
    """What serves clients while this load balancer is the active one."""

    writes: Writes
    lookups: Lookups
    transactions: TransactionLog


@dataclass(slots=True)
class _Serving:
    """One request while it is served: what is known of it so far."""

    kind: RequestKind = RequestKind.READ
    headers: dict[str, str] = field(default_factory=dict)


class Proxy:
    """Serves Chroma's API. Until it is activated it holds requests, and in the end says 503."""

    def __init__(
        self,
        bodies: Bodies,
        hold_seconds: float,
        clock: Callable[[], float],
        figures: Figures,
    ) -> None:
        self._bodies = bodies
        self._hold_seconds = hold_seconds
        self._clock = clock
        self._figures = figures
        self._service: asyncio.Future[Service] = asyncio.get_running_loop().create_future()
        self.in_flight = 0
        self.served = 0
        self.failed = 0

    def activate(self, service: Service) -> None:
        """Serve from now on, those first who have been waiting."""
        self._service.set_result(service)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer any request below /api/v2."""
        self.in_flight += 1
        began_at, status, serving = self._clock(), 500, _Serving()
        try:
            with on_behalf_of(client_session(request)):
                response = await self._serve(request, serving)
            status = response.status
            return response
        finally:
            self.in_flight -= 1
            self.served += 1
            self.failed += status >= 500
            self._figures.note_request(serving.kind, status, self._clock() - began_at)

    async def _serve(self, request: web.Request, serving: _Serving) -> web.Response:
        headers = serving.headers
        try:
            answer = await self._answer(request, serving)
        except RequestError as error:
            return respond_error(error, headers)
        headers["Content-Type"] = answer.content_type or "application/json"
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    async def _answer(self, request: web.Request, serving: _Serving) -> Answer:
        service = await self.active_service()
        target = parse_target(request.method, request.rel_url.raw_path)
        if isinstance(target.action, Kind):
            serving.kind = RequestKind.WRITE
        async with self._bodies.of(request) as body:
            return await self._answer_whole(service, request, target, body, serving)

    async def _answer_whole(
        self,
        service: Service,
        request: web.Request,
        target: Target,
        body: Body,
        serving: _Serving,
    ) -> Answer:
        content_type = as_text(request.headers.get("Content-Type", ""))
        if not isinstance(target.action, Kind):
            url = request.rel_url
            return await service.lookups.answer(
                target, url.raw_path, url.raw_query_string, body.data, content_type
            )
        write = WriteRequest(
            target,
            body.data,
            content_type,
            transaction_id(request),
            client_session(request),
            body.claim,
        )
        serving.headers[TRANSACTION_HEADER] = write.id
        name_transaction(write.id)
        return await service.writes.write(write)

    async def active_service(self) -> Service:
        """Wait for the activation; a rolling deploy then shows as a delay, not as an error.

        Raises `StandingByError` when it takes too long.
        """
        if self._service.done():
            return self._service.result()
        try:
            async with asyncio.timeout(self._hold_seconds):
                return await asyncio.shield(self._service)
        except TimeoutError as error:
            raise StandingByError(
                "another load balancer is active; this one is standing by"
            ) from error


async def refuse_old_api(_: web.Request) -> web.StreamResponse:
    """Answer requests of Chroma's first API as Chroma does."""
    return respond_error(OldApiError("The v1 API is deprecated. Please use /v2 apis"))


def transaction_id(request: web.Request) -> str | None:
    """Read the client's transaction id; raises `BadRequestError` when it is not a plain word."""
    value = request.headers.get(TRANSACTION_HEADER)
    if value is not None and not re.fullmatch(r"[!-~]{1,200}", value):
        raise BadRequestError(
            f"{TRANSACTION_HEADER} must be 1 to 200 printable characters without spaces"
        )
    return value


def client_session(request: web.BaseRequest) -> str:
    """Say who asks, for the audit trail: the client's own word, or its address."""
    return as_text(request.headers.get(SESSION_HEADER) or request.remote or "")[:200]


def respond_error(error: RequestError, headers: dict[str, str] | None = None) -> web.Response:
    """Turn an error into a response in Chroma's form."""
    status = HTTP_STATUS[type(error)]
    headers = dict(headers or {})
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return web.Response(
        status=status,
        body=error_body(error.code, str(error)),
        content_type="application/json",
        headers=headers,
    )


def answering_errors(handler: Handler) -> Handler:
    """Wrap a handler so that its `RequestError`s become responses."""

    @wraps(handler)
    async def wrapped(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except RequestError as error:
            return respond_error(error)
        except web.HTTPRequestEntityTooLarge:
            return respond_error(
                PayloadTooLargeError(f"the body is longer than {MOST_ADMIN_BYTES} bytes")
            )

    return wrapped
