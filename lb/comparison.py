"""The comparison of one collection on two instances. Pure: what was read in, what differs out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from lb.errors import UnintelligibleAnswerError

LARGEST_ROUNDING = 1e-6
"""Of a component of an embedding; a few units in the last place of a float32."""


class Page(msgspec.Struct):
    """A `get` with everything included, column by column."""

    ids: list[str]
    embeddings: list[list[float] | None] | None = None
    documents: list[str | None] | None = None
    metadatas: list[dict[str, Any] | None] | None = None
    uris: list[str | None] | None = None


@dataclass(frozen=True)
class Document:
    """What an instance holds under one id."""

    embedding: list[float] | None
    text: str | None
    metadata: dict[str, Any] | None
    uri: str | None


def documents_of(page: Page) -> dict[str, Document]:
    """Return the documents of a page by id, in the order of the page.

    Raises `UnintelligibleAnswerError` for one that is torn.
    """
    absent = [None] * len(page.ids)
    given = [page.embeddings, page.documents, page.metadatas, page.uris]
    columns = [column or absent for column in given]
    if any(len(column) != len(page.ids) for column in columns):
        # As it may be while something is written.
        raise UnintelligibleAnswerError("the columns of a page are not equally long")
    return {i: Document(*values) for i, *values in zip(page.ids, *columns, strict=True)}


@dataclass(frozen=True)
class Difference:
    """How an instance differs from the one that is right, by ids."""

    missing: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    extra: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.missing or self.changed or self.extra)


@dataclass(frozen=True)
class Repair:
    """What makes an instance hold what the right one holds, in this order, by ids.

    What can be changed in place is: it keeps its place in the order of insertion, and a crash
    between two of these steps loses nothing.
    """

    update: list[str]
    remove: list[str]
    add: list[str]


def repair_of(
    differing: Difference, right: Mapping[str, Document], other: Mapping[str, Document]
) -> Repair:
    """Plan the repair of a difference; both sides by id, the right one's in its order."""
    update = [i for i in right if i in differing.changed and can_become(other[i], right[i])]
    anew = differing.changed - set(update)
    return Repair(
        update=update,
        remove=sorted(differing.extra | anew),
        add=[i for i in right if i in differing.missing | anew],
    )


def can_become(document: Document, right: Document) -> bool:
    """Tell whether an update can do it: nothing takes a text, a URI or an embedding away."""
    pairs = (
        (document.embedding, right.embedding),
        (document.text, right.text),
        (document.uri, right.uri),
    )
    return all(wanted is not None or given is None for given, wanted in pairs)


def difference(right: Mapping[str, Document], other: Mapping[str, Document]) -> Difference:
    """Say what must change on the other instance to hold what the right one holds."""
    common = right.keys() & other.keys()
    return Difference(
        missing=frozenset(right.keys() - other.keys()),
        changed=frozenset(i for i in common if not is_same(right[i], other[i])),
        extra=frozenset(other.keys() - right.keys()),
    )


def is_same(one: Document, other: Document) -> bool:
    """Tell whether two documents are equal, embeddings as far as an instance can tell them.

    With cosine distance Chroma keeps embeddings normalised, so what it was given and what it gives
    back differ in the last bits, and a copy of a copy differs again.
    """
    if replace(one, embedding=None) != replace(other, embedding=None):
        return False
    if one.metadata and _typed(one.metadata) != _typed(other.metadata):
        return False
    if one.embedding == other.embedding:
        return True
    left, right = one.embedding or [], other.embedding or []
    return len(left) == len(right) and all(
        abs(a - b) <= LARGEST_ROUNDING * max(abs(a), abs(b))
        for a, b in zip(left, right, strict=True)
    )


def _typed(metadata: Mapping[str, Any] | None) -> bytes:
    """Write metadata so that 1, 1.0 and true differ, which Python takes for equal."""
    return msgspec.json.encode(metadata, order="sorted")


def add_body(right: Mapping[str, Document], ids: list[str]) -> bytes:
    """Write the `add` that gives an instance these documents."""
    documents = [right[i] for i in ids]
    columns: dict[str, list[Any]] = {
        "ids": list(ids),
        "embeddings": [d.embedding for d in documents],
        "documents": [d.text for d in documents],
        "metadatas": [d.metadata for d in documents],
        "uris": [d.uri for d in documents],
    }
    return msgspec.json.encode(
        {name: values for name, values in columns.items() if any(v is not None for v in values)}
    )


@dataclass
class ComparisonFigures:
    """What comparisons have found since the start."""

    compared: int = 0
    different: int = 0
    repaired_documents: int = 0
    last_difference: str = ""
