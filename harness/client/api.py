"""Owns the requests and answers of Chroma's v2 API that the harness uses. Sends nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from harness.model.collection import name_in
from harness.model.document import Document, Scalar, document_of, is_mark, mark_metadata
from harness.model.operation import Addressing, Invocation, Kind

DATABASE = "/api/v2/tenants/default_tenant/databases/default_database"
COLLECTIONS = f"{DATABASE}/collections"
HEARTBEAT = "/api/v2/heartbeat"
_RESULTS_PER_QUERY = 10
_MOST_COLLECTIONS = 1000


class Collection(msgspec.Struct, frozen=True):
    """A collection as the server describes it; `id` is the one that the server knows it by."""

    id: str
    name: str
    metadata: dict[str, Scalar | None] | None = None


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


@dataclass(frozen=True)
class ContentRules:
    """What the contents of a run are made by, besides their tokens."""

    seed: int
    dimensions: int
    text_bytes: int = 0

    def document(self, token: str) -> Document:
        """Make the document that the token names."""
        return document_of(token, self.seed, self.dimensions, self.text_bytes)


def request_of(invocation: Invocation, address: str, rules: ContentRules) -> Request:
    """Encode an invocation; `address` is what the path calls the collection, empty for a create."""
    path = f"{COLLECTIONS}/{address}"
    match invocation.kind:
        case Kind.LIST:
            return Request("GET", f"{COLLECTIONS}?limit={_MOST_COLLECTIONS}", b"")
        case Kind.COUNT:
            return Request("GET", f"{path}/count", b"")
        case Kind.DROP:
            return Request("DELETE", path, b"")
        case Kind.CREATE:
            return Request("POST", COLLECTIONS, msgspec.json.encode(_collection(invocation)))
        case Kind.MODIFY | Kind.RENAME:
            return Request("PUT", path, msgspec.json.encode(_collection(invocation)))
        case _:
            body = msgspec.json.encode(_body(invocation, rules))
            return Request("POST", f"{path}/{invocation.kind}", body)


def _collection(invocation: Invocation) -> dict[str, Any]:
    tokens = invocation.tokens
    match invocation.kind:
        case Kind.RENAME:
            return {"new_name": name_in(tokens[0])}
        case Kind.MODIFY:
            return {"new_metadata": {"token": tokens[0]}}
        case _:
            metadata = {"metadata": {"token": tokens[0]}} if tokens else {}
            return {"name": invocation.collection, "get_or_create": True, **metadata}


def _body(invocation: Invocation, rules: ContentRules) -> dict[str, Any]:
    match invocation.kind:
        case Kind.DELETE:
            return _selection(invocation)
        case Kind.GET:
            return {**_selection(invocation), "include": ["metadatas"]}
        case Kind.QUERY:
            documents = [rules.document(token) for token in invocation.tokens]
            return {
                "query_embeddings": [document.embedding.tolist() for document in documents],
                "n_results": _RESULTS_PER_QUERY,
                "include": ["metadatas"],
            }
        case _ if is_mark(invocation.tokens[0]):
            metadatas = [mark_metadata(token) for token in invocation.tokens]
            return {"ids": invocation.ids, "metadatas": metadatas}
        case _:
            return _content(invocation, rules)


def _content(invocation: Invocation, rules: ContentRules) -> dict[str, Any]:
    documents: Sequence[Document] = [rules.document(token) for token in invocation.tokens]
    return {
        "ids": invocation.ids,
        "documents": [document.text for document in documents],
        "metadatas": [document.metadata for document in documents],
        "embeddings": [document.embedding.tolist() for document in documents],
    }


def _selection(invocation: Invocation) -> dict[str, Any]:
    match invocation.addressing:
        case Addressing.WHERE:
            return {"where": {"file": invocation.file}}
        case Addressing.ALL:
            return {}
        case _:
            return {"ids": invocation.ids}
