"""Owns the connections of what speaks HTTP: they are closed when its context ends."""

import ssl
from collections.abc import Mapping
from functools import cache
from types import TracebackType
from typing import Self

import httpx


class Connected:
    """An asynchronous context manager over one httpx client, `_http`, that uses no proxy."""

    def __init__(
        self, base_url: str, timeout_seconds: float, headers: Mapping[str, str] | None = None
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=base_url,
            timeout=timeout_seconds,
            headers=headers,
            trust_env=False,
            verify=_tls(),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()


@cache
def _tls() -> ssl.SSLContext:
    """Read the certificate authorities once: it takes longer than all else about a client."""
    return httpx.create_ssl_context(trust_env=False)
