"""What a copy of a collection has to make up for, because clients went on writing. Pure.

A copy is right when it holds the same documents in the same order of insertion. Documents that
were there when it began keep their place on the source; those inserted later come after them all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from lb import payloads
from lb.comparison import Document, is_same
from lb.errors import CopyAbandonedError
from lb.model import STRUCTURAL, Kind


@dataclass
class Touched:
    """The ids that writes named since the copy was last as the source, and which they deleted."""

    ids: dict[str, None] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    def note(self, kind: Kind, body: bytes) -> int:
        """Take a write in; returns how many documents it may have deleted.

        Raises `CopyAbandonedError` for one whose documents nobody can name.
        """
        if kind in STRUCTURAL:
            raise CopyAbandonedError(f"the collection got a {kind} meanwhile")
        if kind is Kind.DELETE and payloads.conditional_delete(body) is not None:
            raise CopyAbandonedError("a delete with conditions came meanwhile")
        ids = named_ids(body)
        self.ids.update(dict.fromkeys(ids))
        if kind is not Kind.DELETE:
            return 0
        self.deleted.update(ids)
        return len(ids)


class _Named(msgspec.Struct):
    ids: list[str] | None = None


def named_ids(body: bytes) -> list[str]:
    """Read the ids that a write names; raises `CopyAbandonedError` when it cannot be read."""
    try:
        return msgspec.json.decode(body, type=_Named).ids or []
    except payloads.MALFORMED as error:
        raise CopyAbandonedError("a write that came meanwhile cannot be read") from error


@dataclass
class Changes:
    """What makes some documents of the copy equal to the source's: in this order."""

    remove: list[str] = field(default_factory=list)
    update: list[str] = field(default_factory=list)
    add: list[str] = field(default_factory=list)


class Catching:
    """Plans one batch of touched documents, in the source's order, part by part.

    From the first document on that was certainly inserted since (it was deleted, or the copy lacks
    it) all that follow were inserted since as well, so all of them are placed anew, in order.
    """

    def __init__(self, deleted: Iterable[str]) -> None:
        self._deleted = frozenset(deleted)
        self._is_anew = False

    def plan(self, source: Mapping[str, Document], copy: Mapping[str, Document]) -> Changes:
        """Plan a part; both are by id, the source's in its order."""
        changes = Changes(remove=[i for i in copy if i not in source])
        for i, document in source.items():
            self._is_anew = self._is_anew or i in self._deleted or i not in copy
            if self._is_anew:
                changes.add.append(i)
                if i in copy:
                    changes.remove.append(i)
            elif not is_same(document, copy[i]):
                changes.update.append(i)
        return changes


def update_body(
    source: Mapping[str, Document], copy: Mapping[str, Document], ids: list[str]
) -> bytes:
    """Write the `update` that makes documents of the copy equal, where they are.

    It merges metadata, so keys that the source lacks are set to null. A text or a URI is never
    taken away from a document without deleting it, so null means there is none to write.
    """
    metadatas = [_merged(source[i].metadata, copy[i].metadata) for i in ids]
    columns: dict[str, list[Any]] = {
        "ids": ids,
        "embeddings": [source[i].embedding for i in ids],
        "documents": [source[i].text for i in ids],
        "metadatas": metadatas,
        "uris": [source[i].uri for i in ids],
    }
    return msgspec.json.encode(
        {name: values for name, values in columns.items() if any(v is not None for v in values)}
    )


def _merged(
    source: Mapping[str, Any] | None, copy: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    gone = dict.fromkeys((copy or {}).keys() - (source or {}).keys())
    return {**gone, **(source or {})} or None
