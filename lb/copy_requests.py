"""The requests of a copy: what is read from the source, and done on the instance that gets it.

None of them waits for ever: a request that was given up can reach nothing but an unfinished copy,
which is deleted then. The collection's name and UUIDs come from outside.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

import msgspec

from lb import payloads
from lb.comparison import Document, Page, documents_of
from lb.errors import CopyAbandonedError, InstanceError
from lb.model import Answer
from lb.paths import PREFIX, Target
from lb.upstream import Upstream, describe

JSON = "application/json"
INCLUDED = ["embeddings", "documents", "metadatas", "uris"]
PATIENCE_SECONDS = 30.0
HOLDING_PATIENCE_SECONDS = 5.0
"""While the source is held clients may wait for us."""


class RawPage(msgspec.Struct):
    """A page whose columns are passed on as they are."""

    ids: list[str]
    embeddings: msgspec.Raw
    documents: msgspec.Raw
    metadatas: msgspec.Raw
    uris: msgspec.Raw

    def as_add(self) -> bytes:
        """Write the `add` of the page."""
        columns = {name: getattr(self, name) for name in INCLUDED}
        given = {name: raw for name, raw in columns.items() if bytes(raw) != b"null"}
        return msgspec.json.encode({"ids": self.ids, **given})


class Described(msgspec.Struct):
    """What makes a collection the same on another instance."""

    name: str
    metadata: msgspec.Raw
    configuration_json: msgspec.Raw
    dimension: int | None = None
    """Set by the first vector, and kept when all documents are gone."""

    def as_create(self) -> bytes:
        """Write the create of an equal collection."""
        return msgspec.json.encode(
            {
                "name": self.name,
                "metadata": self.metadata,
                "configuration": self.configuration_json,
            }
        )


class CopyEnd:
    """One instance's side of a copy: its collection, once `uuid` is known."""

    def __init__(self, upstream: Upstream, target: Target, uuid: UUID | None = None) -> None:
        self._upstream = upstream
        self.target = target
        self._uuid = uuid
        self.instance = upstream.instance
        self.patience_seconds = PATIENCE_SECONDS

    async def describe(self) -> Described:
        """Read the collection's object."""
        found = await self._read("GET", self.target.by_id_path(str(self._uuid)))
        return payloads.read_as(found.body, Described)

    async def count(self) -> int:
        """Count the documents."""
        return payloads.read_as((await self._read("GET", self._below("count"))).body, int)

    async def page(self, limit: int, offset: int) -> tuple[RawPage, int]:
        """Read a page in order of insertion; returns it and its size in bytes."""
        found = await self._get({"limit": limit, "offset": offset, "include": INCLUDED})
        return payloads.read_as(found.body, RawPage), len(found.body)

    async def ids_in_order(self, ids: list[str]) -> list[str]:
        """Return those ids that exist, in order of insertion."""
        return payloads.listed_ids(await self._get({"ids": ids, "include": []})) if ids else []

    async def documents(self, ids: list[str]) -> dict[str, Document]:
        """Read documents by id, in order of insertion."""
        found = await self._get({"ids": ids, "include": INCLUDED})
        return documents_of(payloads.read_as(found.body, Page))

    async def find(self, name: str) -> tuple[UUID, int]:
        """Return the UUID of the collection that has a name, and its number of documents."""
        found = await self._read("GET", self.target.collection_path(name, ""))
        uuid = payloads.collection_id(found.body)
        other = CopyEnd(self._upstream, self.target, uuid)
        return uuid, await other.count()

    async def create(self, described: Described) -> UUID | None:
        """Make an equal, empty collection; None when the name is taken."""
        await self._ensure_database()
        path = f"{self.target.database_path}/collections"
        made = await self._post(path, described.as_create())
        if made.status == 409:
            return None
        if not made.is_success:
            raise InstanceError(self.instance.name, describe(made))
        self._uuid = payloads.collection_id(made.body)
        if comparable(made.body) != comparable(msgspec.json.encode(described)):
            raise CopyAbandonedError(
                f"{self.instance.name} made a different collection: {made.body.decode()}"
            )
        return self._uuid

    async def set_dimension(self, dimension: int) -> None:
        """Give the empty collection its dimension, as a first document does."""
        ids = ["first"]
        first = {"ids": ids, "embeddings": [[1.0] * dimension]}
        await self.write("add", msgspec.json.encode(first))
        await self.write("delete", payloads.delete_by_ids(ids))

    async def write(self, operation: str, body: bytes) -> None:
        """Write documents."""
        answer = await self._post(self._below(operation), body)
        if not answer.is_success:
            raise InstanceError(self.instance.name, describe(answer))

    async def _ensure_database(self) -> None:
        tenant, database = self.target.tenant, self.target.database
        found = await self._patiently(self._upstream.read("GET", self.target.database_path))
        if found.status != 404:
            return
        tenants = f"{PREFIX}/tenants"
        for path, name in ((tenants, tenant), (f"{tenants}/{tenant}/databases", database)):
            made = await self._post(path, msgspec.json.encode({"name": name}))
            if not made.is_success and made.status != 409:
                raise InstanceError(self.instance.name, describe(made))

    async def _get(self, selection: dict[str, Any]) -> Answer:
        return await self._read("POST", self._below("get"), msgspec.json.encode(selection))

    async def _read(self, method: str, path: str, body: bytes = b"") -> Answer:
        content_type = JSON if body else ""
        answer = await self._patiently(self._upstream.read(method, path, body, content_type))
        if not answer.is_success:
            raise InstanceError(self.instance.name, describe(answer))
        return answer

    async def _post(self, path: str, body: bytes) -> Answer:
        return await self._patiently(self._upstream.write("POST", path, body, JSON))

    async def _patiently(self, request: Coroutine[Any, Any, Answer]) -> Answer:
        try:
            async with asyncio.timeout(self.patience_seconds):
                return await request
        except TimeoutError as error:
            raise InstanceError(
                self.instance.name, f"no answer within {self.patience_seconds:g} s"
            ) from error

    def _below(self, operation: str) -> str:
        return self.target.collection_path(str(self._uuid), operation)


def comparable(body: bytes) -> tuple[object, object]:
    """Read the metadata and the configuration out of a collection object, as values."""
    fields = payloads.read_as(body, dict[str, object])
    return fields.get("metadata"), fields.get("configuration_json")
