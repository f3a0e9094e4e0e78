"""Owns the requests and answers of Chroma's v2 API that the harness uses. Sends nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from harness.model.document import Document, Scalar, document_of
from harness.model.operation import Addressing, Invocation, Kind

DATABASE = "/api/v2/tenants/default_tenant/databases/default_database"
COLLECTIONS = f"{DATABASE}/collections"
HEARTBEAT = "/api/v2/heartbeat"
_RESULTS_PER_QUERY = 10


class Collection(msgspec.Struct, frozen=True):
    """A collection as the server describes it; `id` is the one that the server knows it by."""

    id: str
    name: str


class Documents(msgspec.Struct, frozen=True):
    """The answer to `get`: parallel lists, of which those not asked for are null."""

    ids: list[str]
    documents: list[str | None] | None = None
    metadatas: list[dict[str, Scalar | None] | None] | None = None
    embeddings: list[list[float]] | None = None


class Matches(msgspec.Struct, frozen=True):
    """The answer to `query`: one list for each query embedding."""

    ids: list[list[str]]
    metadatas: list[list[dict[str, Scalar | None] | None]]


class Found(msgspec.Struct, frozen=True):
    """The answer to `query` when only ids are asked for."""

    ids: list[list[str]]


@dataclass(frozen=True)
class Request:
    """A method, a path and an encoded JSON body."""

    method: str
    path: str
    body: bytes


def request_of(invocation: Invocation, collection_id: str, seed: int, dimensions: int) -> Request:
    """Encode an invocation; `collection_id` is what the server gave, empty for a create."""
    documents = [document_of(token, seed, dimensions) for token in invocation.tokens]
    path = COLLECTIONS
    if invocation.kind is not Kind.CREATE:
        path = f"{COLLECTIONS}/{collection_id}/{invocation.kind}"
    return Request("POST", path, msgspec.json.encode(_body(invocation, documents)))


def _body(invocation: Invocation, documents: Sequence[Document]) -> dict[str, Any]:
    match invocation.kind:
        case Kind.CREATE:
            return {"name": invocation.collection, "get_or_create": True}
        case Kind.ADD | Kind.UPSERT:
            return {
                "ids": invocation.ids,
                "documents": [document.text for document in documents],
                "metadatas": [document.metadata for document in documents],
                "embeddings": [document.embedding.tolist() for document in documents],
            }
        case Kind.DELETE:
            return _selection(invocation)
        case Kind.GET:
            return {**_selection(invocation), "include": ["metadatas"]}
        case Kind.QUERY:
            return {
                "query_embeddings": [document.embedding.tolist() for document in documents],
                "n_results": _RESULTS_PER_QUERY,
                "include": ["metadatas"],
            }


def _selection(invocation: Invocation) -> dict[str, Any]:
    if invocation.addressing is Addressing.WHERE:
        return {"where": {"file": invocation.file}}
    return {"ids": invocation.ids}
