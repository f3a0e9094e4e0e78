"""Requests that are known to break a Chroma server, recognised before they are logged. Pure.

A logged request is applied everywhere, so one that breaks a server would break them all. All of
this was seen on Chroma 1.5.9; what is not known here is the business of the quarantine.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from lb.model import Kind
from lb.payloads import MALFORMED

RESERVED_PREFIX = "chroma:"
MOST_KEYS = 5460
"""One document's metadata keys: with its text, what the server can write in one statement."""


class _Metadatas(msgspec.Struct):
    metadatas: list[dict[str, msgspec.Raw] | None] | None = None


class _CollectionMetadata(msgspec.Struct):
    metadata: dict[str, msgspec.Raw] | None = None
    new_metadata: dict[str, msgspec.Raw] | None = None


def find_poison(kind: Kind, body: bytes) -> str | None:
    """Say why a write would break a server; None when no reason is known."""
    if kind in (Kind.CREATE, Kind.MODIFY) and has_no_neighbours(body):
        return "an index needs at least 1 neighbour (hnsw:M, max_neighbors): 0 crashes Chroma"
    if (key := reserved_key(body)) is not None:
        return f"metadata key [{key}] is reserved by Chroma; use another one"
    if has_too_many_keys(body):
        return f"a document has more than {MOST_KEYS} metadata keys: Chroma cannot store them"
    return None


def reserved_key(body: bytes) -> str | None:
    """Find a metadata key of a write that Chroma keeps for itself.

    A `chroma:document` that is no text, on a document without a text, makes every later write to
    that server answer 500, also after a restart. Nearly all bodies are cleared by the first look.
    """
    if RESERVED_PREFIX.encode() not in body and not _has_escapes(body):
        return None
    keys = (key for metadata in _metadatas(body) for key in metadata)
    return next((key for key in keys if key.startswith(RESERVED_PREFIX)), None)


def has_too_many_keys(body: bytes) -> bool:
    """Tell whether a document's metadata breaks its collection: every later write answers 500."""
    if len(body) <= MOST_KEYS * len('"":0') or body.count(b":") <= MOST_KEYS:
        return False
    return any(len(metadata) > MOST_KEYS for metadata in _metadatas(body))


def has_no_neighbours(body: bytes) -> bool:
    """Tell whether an index without neighbours is asked for.

    The collection can be made, and its second document kills the server (a segmentation fault),
    which does not live through a read of it after a restart either.
    """
    if not any(word in body for word in (b"max_neighbors", b"hnsw:M")) and not _has_escapes(body):
        return False
    try:
        asked = msgspec.json.decode(body)
    except MALFORMED:
        return False
    return any(
        name in ("max_neighbors", "hnsw:M") and value == 0 and type(value) in (int, float)
        for name, value in _fields(asked)
    )


def find_panic(body: bytes) -> str | None:
    """Say why a collection's metadata would break the connection; None when no reason is known.

    Chroma lets lists and sparse vectors pass and panics when it stores them, every time. Other
    faults of the body it names first, which is why this is asked later.
    """
    try:
        fields = msgspec.json.decode(body, type=_CollectionMetadata)
    except MALFORMED:
        return None
    pairs = [*(fields.metadata or {}).items(), *(fields.new_metadata or {}).items()]
    keys = (key for key, value in pairs if bytes(value)[:1] in (b"[", b"{"))
    reasons = (f"collection metadata [{key}] must be a string, number or boolean" for key in keys)
    return next(reasons, None)


def _has_escapes(body: bytes) -> bool:
    """Tell whether letters may be spelt by number; one byte is found much faster than two."""
    return b"\\" in body and b"\\u" in body


def _metadatas(body: bytes) -> Iterator[dict[str, msgspec.Raw]]:
    try:
        metadatas = msgspec.json.decode(body, type=_Metadatas).metadatas or ()
    except MALFORMED:
        return iter(())
    return (metadata for metadata in metadatas if metadata)


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Go through the fields of an object and of all that it holds."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield from each.items()
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
