"""Canary writes: proof that an instance takes writes on new connections, where no client looks.

A heartbeat is no such proof: a server whose every write fails still answers it.
"""

import asyncio

import msgspec

from lb import payloads
from lb.errors import InstanceError
from lb.paths import CANARY_DATABASE, PREFIX
from lb.upstream import Upstream

JSON = "application/json"
DATABASES = f"{PREFIX}/tenants/default_tenant/databases"
COLLECTIONS = f"{DATABASES}/{CANARY_DATABASE}/collections"
COLLECTION = msgspec.json.encode({"name": "canary", "get_or_create": True})
DOCUMENT = msgspec.json.encode({"ids": ["canary"], "embeddings": [[0.0]]})


class Canary:
    """Writes one document of the load balancer's own, each time on a new connection."""

    def __init__(self, upstream: Upstream, timeout_seconds: float) -> None:
        self._upstream = upstream
        self._timeout_seconds = timeout_seconds
        self._path: str | None = None

    async def answers(self) -> bool:
        """Tell whether the instance took the write in time."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._write()
        except (InstanceError, TimeoutError):
            self._path = None
            return False
        return True

    async def _write(self) -> None:
        if self._path is None:
            # A 409 says that the database is there already.
            await self._upstream.write_afresh(
                "POST", DATABASES, msgspec.json.encode({"name": CANARY_DATABASE}), JSON
            )
            made = await self._upstream.write_afresh("POST", COLLECTIONS, COLLECTION, JSON)
            self._path = f"{COLLECTIONS}/{payloads.collection_id(made.body)}/upsert"
        answer = await self._upstream.write_afresh("POST", self._path, DOCUMENT, JSON)
        if not answer.is_success:
            raise InstanceError(self._upstream.instance.name, f"canary: HTTP {answer.status}")
