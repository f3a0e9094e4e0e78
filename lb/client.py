"""A small client for writes that must not be lost: submit, poll, repeat, give up with an error.

It rests on two promises of the load balancer: a transaction id is never applied twice, and
`GET /transactions/{id}` says what became of it. Needs aiohttp only.
"""

import asyncio
import json
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from uuid import uuid4

import aiohttp
from yarl import URL

POLL_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0
REQUEST_SECONDS = 30.0
UNDECIDED = frozenset({502, 503, 504})
"""What a load balancer, or a platform in front of it, answers while nothing is known."""


@dataclass(frozen=True)
class Outcome:
    """What became of a write: definite, and the same however often it is asked for."""

    transaction_id: str
    status: int
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the write was applied; otherwise it certainly was not."""
        return 200 <= self.status < 300


class WriteGivenUpError(Exception):
    """The deadline passed without an outcome: the write may still be applied.

    Submit the same request with `transaction_id` again, or ask `GET /transactions/{id}` later.
    """

    def __init__(self, transaction_id: str, last: str) -> None:
        super().__init__(f"no outcome of transaction {transaction_id} in time; last: {last}")
        self.transaction_id = transaction_id


class WriteClient:
    """Writes through one load balancer. Use it as an asynchronous context manager."""

    def __init__(self, base_url: str, *, token: str = "", session_name: str = "") -> None:
        self._headers = {}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        if session_name:
            self._headers["Client-Session"] = session_name
        self._base_url = base_url.rstrip("/")
        self._session = aiohttp.ClientSession(headers=self._headers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def submit(
        self,
        method: str,
        path: str,
        payload: Any = None,
        *,
        transaction_id: str | None = None,
        deadline_seconds: float = 60.0,
    ) -> Outcome:
        """Return the definite outcome, through restarts of anything; applied at most once.

        Raises `WriteGivenUpError` after the deadline. Cancelled, the write may still be applied.
        """
        writing = _Writing(self, method, path, payload, transaction_id or str(uuid4()))
        try:
            async with asyncio.timeout(deadline_seconds):
                return await writing.to_completion()
        except TimeoutError as error:
            raise WriteGivenUpError(writing.transaction_id, writing.last) from error

    async def request(
        self, method: str, path: str, **options: Any
    ) -> tuple[int, bytes, float | None]:
        """Send once; returns status, body and the seconds of `Retry-After`."""
        url = URL(self._base_url + path, encoded=True)
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        async with self._session.request(method, url, timeout=timeout, **options) as response:
            pause = response.headers.get("Retry-After", "")
            seconds = float(pause) if pause.isdecimal() else None
            return response.status, await response.read(), seconds


@dataclass
class _Writing:
    """One write on its way; `last` says what was seen last."""

    client: WriteClient
    method: str
    path: str
    payload: Any
    transaction_id: str
    last: str = "nothing was sent"

    async def to_completion(self) -> Outcome:
        """Send, and while that tells nothing: ask, and send again if the log does not have it."""
        while True:
            headers = {"Transaction-ID": self.transaction_id}
            status, body = await self._try(
                self.method, self.path, json=self.payload, headers=headers
            )
            if status is not None:
                return Outcome(self.transaction_id, status, body)
            while await self._is_under_way():
                pass

    async def _is_under_way(self) -> bool:
        """Ask the log, after a pause; False when it has an outcome, or has not got the write.

        Then sending again is the answer: it gets the outcome, or is taken at last.
        """
        await asyncio.sleep(POLL_SECONDS)
        path = f"/transactions/{quote(self.transaction_id, safe='')}"
        status, body = await self._try("GET", path)
        return status is None or (status == 200 and json.loads(body)["state"] == "ATTEMPTING")

    async def _try(self, method: str, path: str, **options: Any) -> tuple[int | None, bytes]:
        """Send once; None stands for an answer, or a broken connection, that tells nothing."""
        try:
            status, body, pause = await self.client.request(method, path, **options)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self.last = f"{type(error).__name__}: {error}"
            await asyncio.sleep(POLL_SECONDS)
            return None, b""
        self.last = f"HTTP {status} {body[:200].decode(errors='replace')}"
        if status not in UNDECIDED:
            return status, body
        await asyncio.sleep(min(pause or POLL_SECONDS, LONGEST_PAUSE_SECONDS))
        return None, b""
