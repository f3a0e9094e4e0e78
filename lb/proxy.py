"""The HTTP face towards clients: turns requests for Chroma's API into reads and writes."""

import asyncio
import re
from dataclasses import dataclass
from functools import wraps
from typing import Protocol

from aiohttp import web

from lb.errors import (
    HTTP_STATUS,
    BadRequestError,
    OldApiError,
    PayloadTooLargeError,
    RequestError,
    StandingByError,
)
from lb.lookups import Lookups
from lb.model import Answer, Kind
from lb.paths import parse_target
from lb.payloads import error_body
from lb.transaction_log import TransactionLog
from lb.upstream import as_text
from lb.write_request import WriteRequest
from lb.writes import Writes

TRANSACTION_HEADER = "Transaction-ID"
SESSION_HEADER = "Client-Session"
RETRY_AFTER_SECONDS = 1


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


class Proxy:
    """Serves Chroma's API. Until it is activated it holds requests, and in the end says 503."""

    def __init__(self, max_body_bytes: int, hold_seconds: float) -> None:
        self._max_body_bytes = max_body_bytes
        self._hold_seconds = hold_seconds
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
        status = 500
        try:
            response = await self._serve(request)
            status = response.status
            return response
        finally:
            self.in_flight -= 1
            self.served += 1
            self.failed += status >= 500

    async def _serve(self, request: web.Request) -> web.Response:
        headers: dict[str, str] = {}
        try:
            answer = await self._answer(request, headers)
        except RequestError as error:
            return respond_error(error, headers)
        headers["Content-Type"] = answer.content_type or "application/json"
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    async def _answer(self, request: web.Request, headers: dict[str, str]) -> Answer:
        service = await self.active_service()
        raw_path = request.rel_url.raw_path
        target = parse_target(request.method, raw_path)
        content_type = as_text(request.headers.get("Content-Type", ""))
        body = await self._body(request)
        if not isinstance(target.action, Kind):
            return await service.lookups.answer(
                target, raw_path, request.rel_url.raw_query_string, body, content_type
            )
        write = WriteRequest(
            target, body, content_type, transaction_id(request), client_session(request)
        )
        headers[TRANSACTION_HEADER] = write.id
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

    async def _body(self, request: web.Request) -> bytes:
        length = request.content_length
        if length is not None and length > self._max_body_bytes:
            raise PayloadTooLargeError(f"the body is longer than {self._max_body_bytes} bytes")
        chunks, size = [], 0
        async for chunk in request.content.iter_any():
            size += len(chunk)
            if size > self._max_body_bytes:
                raise PayloadTooLargeError(f"the body is longer than {self._max_body_bytes} bytes")
            chunks.append(chunk)
        return b"".join(chunks)


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


def client_session(request: web.Request) -> str:
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

    return wrapped
