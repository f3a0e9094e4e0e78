"""Owns questions to the load balancer about itself. Any answer is evidence, and none is trusted.

What comes back is kept as text: a page of HTML, half an answer, or nothing at all.
"""

import asyncio
from collections.abc import Callable, Mapping

import httpx

from harness.client.connected import Connected
from harness.model.observation import LbAnswer

WAL_STATUS = "/wal/status"
STATUS = "/status"
MAPPINGS = "/collection/mappings"
TRANSACTIONS = "/transactions"

_TIMEOUT_SECONDS = 2.0
_MOST_BYTES = 4 * 1024 * 1024
_ODDITIES = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError)


class LbVoice(Connected):
    """Asks the load balancer at `lb_url`; never raises for what it answers."""

    def __init__(
        self,
        lb_url: str,
        clock: Callable[[], int],
        timeout_seconds: float = _TIMEOUT_SECONDS,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        super().__init__(lb_url, timeout_seconds, headers)

    async def ask(self, path: str, *, at_rest: bool = False) -> LbAnswer:
        """GET a path; the whole of it has one time limit, however slowly bytes trickle in."""
        asked_ns = self._clock()
        status, body, error = 0, b"", ""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                status, body = await self._get(path)
        except TimeoutError:
            error = f"no whole answer within {self._timeout_seconds:g} s"
        except _ODDITIES as oddity:
            error = repr(oddity)
        if len(body) > _MOST_BYTES:
            body, error = b"", f"an answer of more than {_MOST_BYTES} bytes"
        return LbAnswer(
            path=path,
            asked_ns=asked_ns,
            answered_ns=self._clock(),
            status=status,
            body=body.decode(errors="replace"),
            error=error,
            at_rest=at_rest,
        )

    async def _get(self, path: str) -> tuple[int, bytes]:
        body = bytearray()
        async with self._http.stream("GET", path) as response:
            async for part in response.aiter_bytes():
                body += part
                if len(body) > _MOST_BYTES:
                    break
        return response.status_code, bytes(body)
