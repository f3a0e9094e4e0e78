"""Reads clients' bodies within bounds: of length, of time, and of what fits into memory."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import NamedTuple

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from lb.budget import BodyBudget, Claim
from lb.errors import BadRequestError, BodyTimeoutError, PayloadTooLargeError
from lb.figures import RequestKind

BROKEN = (OSError, web.RequestPayloadError, HttpProcessingError)
"""What aiohttp raises when the client is gone, or when its chunks are none."""

FIRST_BYTES = 64 << 10
"""What is claimed first for a body of unknown length; more of it is claimed as it comes."""


class Body(NamedTuple):
    """A client's body, and its share of the budget; None where there is no body."""

    data: bytes = b""
    claim: Claim | None = None

    def let_go(self) -> None:
        """Give the share back, unless somebody else keeps it."""
        if self.claim is not None:
            self.claim.let_go()


class Bodies:
    """Reads each body once, when there is room for it.

    It is read past aiohttp's `Request.read`, which would keep it while the connection lives, and
    nothing is read before there is room, so that the client's sending stops meanwhile.
    """

    def __init__(self, budget: BodyBudget, longest_bytes: int, timeout_seconds: float) -> None:
        self.budget = budget
        self._longest_bytes = longest_bytes
        self._timeout_seconds = timeout_seconds

    async def read(self, request: web.Request) -> Body:
        """Read the body of a request; the caller lets it go.

        Raises `PayloadTooLargeError`, `OverloadedError`, `BodyTimeoutError`, and `BadRequestError`
        when the connection or the framing broke.
        """
        length = request.content_length
        if length == 0 or not request.body_exists:
            return Body()
        self._check_length(length or 0)
        claim = self.budget.account.claim(is_open=length is None)
        try:
            await self.budget.take(claim, FIRST_BYTES if length is None else length)
            return Body(await self._read(request, claim), claim)
        except BaseException:
            claim.let_go()
            raise

    async def take(self, data: bytes, kind: RequestKind) -> Body:
        """Take a short body that has come whole, with its head; the caller lets it go.

        A read's body lives no longer than its request, and counts as what any connection may have
        received; a write's is kept until it is applied, and is claimed. Raises
        `PayloadTooLargeError` and `OverloadedError`.
        """
        self._check_length(len(data))
        if not data or kind is RequestKind.READ:
            return Body(data)
        claim = self.budget.account.claim()
        try:
            await self.budget.take(claim, len(data))
        except BaseException:
            claim.let_go()
            raise
        return Body(data, claim)

    async def _read(self, request: web.Request, claim: Claim) -> bytes:
        content = request.content
        try:
            if content.is_eof():
                # Nearly every body has come with its head.
                data = content.read_nowait()
                self._check_length(len(data))
                if len(data) > claim.held_bytes:
                    await self.budget.take(claim, len(data) - claim.held_bytes)
            else:
                data = await self._receive(content, claim)
        except BROKEN as error:
            raise BadRequestError(f"the body ended too early: {error}") from error
        self.budget.account.close(claim, len(data))
        return data

    async def _receive(self, content: StreamReader, claim: Claim) -> bytes:
        """Put a body together without a second copy."""
        received = BytesIO()
        try:
            async with asyncio.timeout(self._timeout_seconds) as limit:
                async for chunk in content.iter_any():
                    size = received.tell() + len(chunk)
                    self._check_length(size)
                    if size > claim.held_bytes:
                        with _suspended(limit):
                            await self.budget.take(claim, size - claim.held_bytes)
                    received.write(chunk)
        except TimeoutError as error:
            raise BodyTimeoutError(
                f"the body did not come within {self._timeout_seconds:g} s; nothing was done"
            ) from error
        return received.getvalue()

    def _check_length(self, length: int) -> None:
        if length > self._longest_bytes:
            raise PayloadTooLargeError(f"the body is longer than {self._longest_bytes} bytes")


@contextmanager
def _suspended(limit: asyncio.Timeout) -> Iterator[None]:
    """Stop the time meanwhile: our wait for room is not the client's."""
    loop = asyncio.get_running_loop()
    left = (limit.when() or 0.0) - loop.time()
    limit.reschedule(None)
    try:
        yield
    finally:
        limit.reschedule(loop.time() + left)
