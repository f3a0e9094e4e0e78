"""Merging: neighbours of a lane that travel to an instance as one request, spliced byte for byte.

Pure. What waits in a lane while a request is under way goes as one, and so does a backlog: Chroma
takes documents much faster than requests. A window is merged only if its request, taken or
refused, leaves the instance as single requests in order would have left it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from lb.model import Answer, Entry, Kind
from lb.payloads import MALFORMED

MERGEABLE = frozenset({Kind.ADD, Kind.UPDATE, Kind.UPSERT, Kind.DELETE})
COLUMNS = frozenset({"ids", "embeddings", "documents", "metadatas", "uris"})

_Fields: TypeAlias = dict[str, list[msgspec.Raw] | None]
_FIELDS = msgspec.json.Decoder(_Fields)
_TEXT = msgspec.json.Decoder(str)

ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")
"""Only a body that hides something writes a letter like this: the name of a column, say."""


@dataclass(frozen=True, slots=True)
class WindowLimits:
    """How much may travel as one request; a single entry always may."""

    entries: int = 500
    documents: int = 300
    body_bytes: int = 4 << 20


@dataclass(frozen=True, slots=True)
class Window:
    """Entries of a lane that an instance gets as one request.

    `bodies` is what each would send alone, `body` what is sent for all, `sizes` how many documents
    each has; of an entry that travels alone nobody needs to know.
    """

    entries: tuple[Entry, ...]
    bodies: tuple[bytes, ...]
    body: bytes
    sizes: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def first(self) -> Entry:
        """The entry that the instance has to apply next."""
        return self.entries[0]

    @property
    def last(self) -> Entry:
        """The entry up to which the instance has applied the lane once this has succeeded."""
        return self.entries[-1]

    def answers(self, answer: Answer) -> list[Answer]:
        """Return what each entry would have been answered alone, where the whole has succeeded."""
        if len(self) == 1:
            return [answer]
        if self.first.kind is not Kind.DELETE:
            return [answer] * len(self)
        # Measured: Chroma answers how many documents were named, not how many there were.
        return [
            Answer(answer.status, b'{"deleted":%d}' % size, answer.content_type)
            for size in self.sizes
        ]


def pack(entries: Sequence[Entry], bodies: Sequence[bytes], most_documents: int) -> Window:
    """Make a window of the longest run of entries, from the first, that may travel as one."""
    body, sizes = merge(bodies, most_documents)
    count = len(sizes)
    return Window(tuple(entries[:count]), tuple(bodies[:count]), body, sizes)


def merge(bodies: Sequence[bytes], most_documents: int) -> tuple[bytes, tuple[int, ...]]:
    """Merge the longest run of bodies, from the first, that touches each document id at most once.

    All are of one kind of write. Returns the merged body and how many documents each of those has
    that went into it, at least one; a single body is returned as it came.
    """
    first = _split(bodies[0]) if len(bodies) > 1 else None
    if first is None:
        return bodies[0], (0,)
    ids = set(first.ids)
    columns = {name: list(values) for name, values in first.columns.items()}
    sizes = [len(first.ids)]
    for body in bodies[1:]:
        batch = _split(body)
        if batch is None or not _fits(first, ids, batch, most_documents):
            break
        for name, values in batch.columns.items():
            columns[name].extend(values)
        ids.update(batch.ids)
        sizes.append(len(batch.ids))
    merged = msgspec.json.encode(columns) if len(sizes) > 1 else bodies[0]
    return merged, tuple(sizes)


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
        fields = _FIELDS.decode(body)
        columns = {name: values for name, values in fields.items() if values is not None}
        ids = [_TEXT.decode(raw) for raw in columns.get("ids", ())]
    except MALFORMED:
        return None
    if not ids or not _names_once(body, fields) or len(set(ids)) < len(ids):
        return None
    if any(len(values) != len(ids) for values in columns.values()):
        return None
    form = frozenset(bytes(memoryview(value)[:1]) for value in columns.get("embeddings", ()))
    return _Batch(ids, columns, form - {b"n"})


def _names_once(body: bytes, fields: _Fields) -> bool:
    """Tell whether a body has only columns, and surely none of them twice.

    Chroma refuses one that is given twice, and merging would hide it. A value that is spelt like a
    column's name only keeps the body from being merged.
    """
    if not COLUMNS.issuperset(fields):
        return False
    if len(body) == _shortest(fields):
        return True  # There is no room for anything else.
    return (
        all(body.count(f'"{name}"'.encode()) == 1 for name in fields)
        and ESCAPED_LETTER.search(body) is None
    )


def _shortest(fields: _Fields) -> int:
    """Say how long a body of these columns is that has no space and no escape in a name."""
    size = len("{")
    for name, values in fields.items():
        size += len(name) + len('"":,')
        if not values:
            size += len("[]") if values is not None else len("null")
        else:
            size += len("[") + len(values) + sum(memoryview(value).nbytes for value in values)
    return size


def _fits(first: _Batch, ids: set[str], batch: _Batch, most_documents: int) -> bool:
    """Tell whether a batch may join; Chroma takes no mixture of arrays and base64 text."""
    return (
        batch.columns.keys() == first.columns.keys()
        and batch.form == first.form
        and len(ids) + len(batch.ids) <= most_documents
        and ids.isdisjoint(batch.ids)
    )
