"""The HTTP face towards clients: turns requests for Chroma's API into reads and writes."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import NamedTuple, Protocol, TypeAlias

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


Read: TypeAlias = Callable[[RequestKind], Awaitable[Body]]
"""Reads the body of a request of a kind."""


class Handler(Protocol):
    """A coroutine that answers an HTTP request."""

    async def __call__(self, request: web.Request, /) -> web.StreamResponse:
        """Answer the request."""
        ...


@dataclass(frozen=True)
class Service:
    """What serves clients while this load balancer is the active one.

    `check_log` raises a `RequestError` while the log is not to be used.
    """

    writes: Writes
    lookups: Lookups
    transactions: TransactionLog
    check_log: Callable[[], None] = lambda: None


class Asked(NamedTuple):
    """A request for Chroma's API, without its body, whoever has read it off the connection.

    Path and query are as the client wrote them; so is the transaction id, if it gave one.
    """

    method: str
    path: str
    query: str
    content_type: str
    transaction_id: str | None
    session: str


class Reply(NamedTuple):
    """What is answered; the content type is one of the headers."""

    status: int
    body: bytes
    headers: dict[str, str]


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
        """Answer any request below /api/v2 that aiohttp has begun to read."""
        reply = await self.serve(asked_by(request), lambda _: self._bodies.read(request))
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)

    async def answer(self, asked: Asked, body: bytes) -> Reply:
        """Answer a request below /api/v2 that has come whole."""
        return await self.serve(asked, partial(self._bodies.take, body))

    async def serve(self, asked: Asked, read: Read) -> Reply:
        """Answer a request; its body is read when it is known what is asked for."""
        self.in_flight += 1
        began_at, status, serving = self._clock(), 500, _Serving()
        try:
            with on_behalf_of(asked.session):
                reply = await self._serve(asked, read, serving)
            status = reply.status
            return reply
        finally:
            self.in_flight -= 1
            self.served += 1
            self.failed += status >= 500
            self._figures.note_request(serving.kind, status, self._clock() - began_at)

    async def _serve(self, asked: Asked, read: Read, serving: _Serving) -> Reply:
        headers = serving.headers
        try:
            service = await self.active_service()
            target = parse_target(asked.method, asked.path)
            service.check_log()
            if isinstance(target.action, Kind):
                serving.kind = RequestKind.WRITE
            body = await read(serving.kind)
            try:
                answer = await self._answer(service, asked, target, body, headers)
            finally:
                body.let_go()
        except RequestError as error:
            return error_reply(error, headers)
        headers["Content-Type"] = answer.content_type or "application/json"
        return Reply(answer.status, answer.body, headers)

    async def _answer(
        self, service: Service, asked: Asked, target: Target, body: Body, headers: dict[str, str]
    ) -> Answer:
        if not isinstance(target.action, Kind):
            return await service.lookups.answer(
                target, asked.path, asked.query, body.data, asked.content_type
            )
        write = WriteRequest(
            target,
            body.data,
            asked.content_type,
            plain_word(asked.transaction_id),
            asked.session,
            body.claim,
        )
        headers[TRANSACTION_HEADER] = write.id
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


def asked_by(request: web.Request) -> Asked:
    """Return what a request that aiohttp has taken apart asks for."""
    headers, url = request.headers, request.rel_url
    return Asked(
        request.method,
        url.raw_path,
        url.raw_query_string,
        as_text(headers.get("Content-Type", "")),
        headers.get(TRANSACTION_HEADER),
        client_session(request),
    )


def plain_word(transaction_id: str | None) -> str | None:
    """Return a client's transaction id; raises `BadRequestError` when it is not a plain word."""
    if transaction_id is not None and not re.fullmatch(r"[!-~]{1,200}", transaction_id):
        raise BadRequestError(
            f"{TRANSACTION_HEADER} must be 1 to 200 printable characters without spaces"
        )
    return transaction_id


def client_session(request: web.BaseRequest) -> str:
    """Say who asks, for the audit trail: the client's own word, or its address."""
    return session_of(request.headers.get(SESSION_HEADER), request.remote)


def session_of(word: str | None, address: str | None) -> str:
    """Choose between the client's own word and its address."""
    return as_text(word or address or "")[:200]


def respond_error(error: RequestError, headers: dict[str, str] | None = None) -> web.Response:
    """Turn an error into a response in Chroma's form."""
    reply = error_reply(error, headers or {})
    return web.Response(status=reply.status, body=reply.body, headers=reply.headers)


def error_reply(error: RequestError, headers: dict[str, str]) -> Reply:
    """Turn an error into what is answered in Chroma's form, beside the headers."""
    status = HTTP_STATUS[type(error)]
    headers = {**headers, "Content-Type": "application/json"}
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Reply(status, error_body(error.code, str(error)), headers)


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
