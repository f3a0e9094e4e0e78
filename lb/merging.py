"""Merging: neighbours of a lane that travel to an instance as one request, spliced byte for byte.

Pure. Only entries whose outcome is known to be success are merged here, so no client's answer
depends on it; it makes catching up as fast as Chroma takes documents, not requests.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from lb.model import Kind
from lb.payloads import MALFORMED

MERGEABLE = frozenset({Kind.ADD, Kind.UPDATE, Kind.UPSERT, Kind.DELETE})
COLUMNS = frozenset({"ids", "embeddings", "documents", "metadatas", "uris"})
MOST_DOCUMENTS = 300
MOST_BYTES = 4 << 20
MOST_ENTRIES = 100


def merge(bodies: Sequence[bytes]) -> tuple[bytes, int]:
    """Merge the longest run of bodies, from the first, that touches each document id at most once.

    All are of one kind of write. Returns the merged body and how many went into it, at least one;
    a single body is returned as it came.
    """
    first = _split(bodies[0])
    if first is None:
        return bodies[0], 1
    ids = set(first.ids)
    columns = {name: list(values) for name, values in first.columns.items()}
    count = 1
    for body in bodies[1:]:
        batch = _split(body)
        if batch is None or not _fits(first, ids, batch):
            break
        for name, values in batch.columns.items():
            columns[name].extend(values)
        ids.update(batch.ids)
        count += 1
    return (msgspec.json.encode(columns), count) if count > 1 else (bodies[0], 1)


@dataclass(frozen=True)
class _Batch:
    """The documents of one body, column by column; `form` tells how embeddings are written."""

    ids: list[str]
    columns: dict[str, list[msgspec.Raw]]
    form: frozenset[bytes]


def _split(body: bytes) -> _Batch | None:
    """Split a body into its columns; None when it is not a plain list of different documents.

    Columns that are null count as absent.
    """
    try:
        fields = msgspec.json.decode(body, type=dict[str, list[msgspec.Raw] | None])
        columns = {name: values for name, values in fields.items() if values is not None}
        ids = [msgspec.json.decode(raw, type=str) for raw in columns.get("ids", ())]
    except MALFORMED:
        return None
    if not ids or not columns.keys() <= COLUMNS or len(set(ids)) < len(ids):
        return None
    if any(len(values) != len(ids) for values in columns.values()):
        return None
    form = frozenset(bytes(value)[:1] for value in columns.get("embeddings", ()))
    return _Batch(ids, columns, form - {b"n"})


def _fits(first: _Batch, ids: set[str], batch: _Batch) -> bool:
    """Tell whether a batch may join; Chroma takes no mixture of arrays and base64 text."""
    return (
        batch.columns.keys() == first.columns.keys()
        and batch.form == first.form
        and len(ids) + len(batch.ids) <= MOST_DOCUMENTS
        and ids.isdisjoint(batch.ids)
    )
