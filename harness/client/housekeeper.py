"""Owns the removal of collections through the load balancer: only those that its guard allows."""

from collections.abc import Mapping
from urllib.parse import quote

import httpx
import msgspec

from harness.client.api import COLLECTIONS, Collection
from harness.client.connected import Connected
from harness.client.guard import Guard
from harness.errors import LeftoverError

_PAGE_COLLECTIONS = 100
_TIMEOUT_SECONDS = 10.0
_TEXT_CHARACTERS = 200


class Housekeeper(Connected):
    """Lists and removes; what its guard does not allow, it neither lists nor removes."""

    def __init__(self, lb_url: str, guard: Guard, headers: Mapping[str, str] | None = None) -> None:
        self._guard = guard
        super().__init__(lb_url, _TIMEOUT_SECONDS, headers)

    async def found(self) -> list[str]:
        """Name what could be removed; raises `LeftoverError` when the lb does not answer."""
        names: list[str] = []
        while True:
            query = f"?limit={_PAGE_COLLECTIONS}&offset={len(names)}"
            page = await self._page(COLLECTIONS + query)
            names += page
            if len(page) < _PAGE_COLLECTIONS:
                return self._guard.allowed(names)

    async def remove(self, name: str) -> str:
        """Remove one; says what was answered instead, and nothing when it is gone.

        Raises `ProtectedCollectionError` before anything is sent.
        """
        self._guard.check(name)
        try:
            answer = await self._http.delete(f"{COLLECTIONS}/{quote(name, safe='')}")
        except httpx.HTTPError as error:
            return repr(error)
        if answer.is_success or answer.status_code == httpx.codes.NOT_FOUND:
            return ""
        return f"status {answer.status_code} {answer.text[:_TEXT_CHARACTERS]}"

    async def _page(self, path: str) -> list[str]:
        try:
            answer = await self._http.get(path)
            answer.raise_for_status()
            return [c.name for c in msgspec.json.decode(answer.content, type=list[Collection])]
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            raise LeftoverError(f"the load balancer does not list collections: {error}") from error
