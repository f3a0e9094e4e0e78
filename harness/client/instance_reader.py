"""Owns direct reads of one instance, past the load balancer, by the instance's own UUIDs.

Reads only. While writes go on an answer may be torn, or a 500: then the read is an error, and the
caller asks again.
"""

from typing import Any, TypeVar

import httpx
import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.client.api import COLLECTIONS, HEARTBEAT, Collection, Documents, Found
from harness.client.connected import Connected
from harness.errors import InstanceReadError
from harness.model.collection import collection_tokens, label_of
from harness.model.document import embedding_digest, id_of, make_mark, marks_in, token_in
from harness.model.final_state import FinalState, HeldCollection, HeldDocument

_PAGE_DOCUMENTS = 500
# Where others create and drop meanwhile, only one page is a whole: what shifts is missed by two.
_PAGE_COLLECTIONS = 1000

T = TypeVar("T")


class InstanceReader(Connected):
    """Reads what one instance holds in the collections whose names begin with `prefix`."""

    def __init__(self, name: str, url: str, prefix: str, timeout_seconds: float = 5.0) -> None:
        self.name = name
        self._prefix = prefix
        super().__init__(url, timeout_seconds)

    async def answers(self) -> bool:
        """Tell whether the instance answers a heartbeat."""
        try:
            return (await self._http.get(HEARTBEAT)).is_success
        except httpx.HTTPError:
            return False

    async def collections(self) -> dict[str, Collection]:
        """Find the run's collections by name, as this instance describes them."""
        found: dict[str, Collection] = {}
        offset = 0
        while True:
            query = f"?limit={_PAGE_COLLECTIONS}&offset={offset}"
            page = await self._ask("GET", COLLECTIONS + query, None, list[Collection])
            found.update({c.name: c for c in page if c.name.startswith(self._prefix)})
            if len(page) < _PAGE_COLLECTIONS:
                return found
            offset += len(page)

    async def tokens(self) -> dict[tuple[str, str], str]:
        """Map (collection, register) to the token that is there, without reading the contents."""
        held: dict[tuple[str, str], str] = {}
        for name, collection in (await self.collections()).items():
            label = label_of(name)
            for token in collection_tokens(name, collection.metadata):
                held[label, id_of(token)] = token
            for register, token in (await self.tokens_in(collection.id)).items():
                held[label, register] = token
        return held

    async def tokens_in(self, uuid: str) -> dict[str, str]:
        """Map the registers of one collection's documents to the tokens that are there."""
        held: dict[str, str] = {}
        found = await self._pages(uuid, ["metadatas"])
        for document_id, metadata in zip(found.ids, found.metadatas or [], strict=True):
            held[document_id] = token_in(metadata)
            for key, token in marks_in(metadata).items():
                held[id_of(make_mark(document_id, key, ""))] = token
        return held

    async def vectors(self, uuid: str) -> tuple[list[str], NDArray[np.float32]]:
        """Read the ids of one collection and their embeddings, `(n, dimensions)` float32."""
        found = await self._pages(uuid, ["embeddings"])
        try:
            vectors = np.array(found.embeddings or [], dtype=np.float32)
        except ValueError as error:
            raise InstanceReadError(f"{self.name} mixes dimensions in {uuid}: {error}") from error
        return found.ids, vectors

    async def search(self, uuid: str, queries: NDArray[np.float32], count: int) -> list[list[str]]:
        """Search one collection for each row of `queries`; name the nearest `count` ids."""
        body = {"query_embeddings": queries.tolist(), "n_results": count, "include": []}
        answer = await self._ask("POST", f"{COLLECTIONS}/{uuid}/query", body, Found)
        if len(answer.ids) != len(queries):
            raise InstanceReadError(f"{self.name} gave {len(answer.ids)} answers to {len(queries)}")
        return answer.ids

    async def final_state(self) -> FinalState:
        """Read everything, page by page; only at rest is it whole."""
        collections = {
            name: HeldCollection(found.id, await self._documents(found.id), found.metadata)
            for name, found in (await self.collections()).items()
        }
        return FinalState(self.name, collections)

    async def _documents(self, uuid: str) -> dict[str, HeldDocument]:
        found = await self._pages(uuid, ["documents", "metadatas", "embeddings"])
        count = await self._ask("GET", f"{COLLECTIONS}/{uuid}/count", None, int)
        if not count == len(found.ids) == len(set(found.ids)):
            raise InstanceReadError(
                f"{self.name} counts {count} documents in {uuid} and returns {len(found.ids)}, "
                f"{len(set(found.ids))} of them different: it is not at rest"
            )
        rows = zip(
            found.ids,
            found.documents or [],
            found.metadatas or [],
            found.embeddings or [],
            strict=True,
        )
        return {
            document_id: HeldDocument(
                text, metadata, embedding_digest(np.array(embedding, dtype=np.float32))
            )
            for document_id, text, metadata, embedding in rows
        }

    async def _pages(self, uuid: str, include: list[str]) -> Documents:
        whole = Documents(ids=[], documents=[], metadatas=[], embeddings=[])
        while True:
            body = {"limit": _PAGE_DOCUMENTS, "offset": len(whole.ids), "include": include}
            page = await self._ask("POST", f"{COLLECTIONS}/{uuid}/get", body, Documents)
            for name in ("ids", *include):
                getattr(whole, name).extend(getattr(page, name) or [])
            if len(page.ids) < _PAGE_DOCUMENTS:
                return whole

    async def _ask(self, method: str, path: str, body: Any, answer: type[T]) -> T:
        try:
            response = await self._http.request(method, path, json=body)
            response.raise_for_status()
            return msgspec.json.decode(response.content, type=answer)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            raise InstanceReadError(
                f"{self.name} did not answer a direct read of {path}: {error!r}"
            ) from error
