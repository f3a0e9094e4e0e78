"""Updates of documents that do not exist, rewritten so that they never get an effect. Pure.

Chroma 1.5.9 applies what it has not saved of a collection's log to its index of embeddings a second
time, when the first read of the collection since the server's start is followed by a write. An
update that named an absent id then finds the document that a later `add` made, and the `add` does
not set the embedding again: the document keeps the embedding of the update. Which server that
happens to depends on reads and restarts, so no order of writes makes two servers equal.
"""

from uuid import UUID, uuid5

import msgspec

from lb.payloads import MALFORMED, NULL

MOST_IDS_PER_GET = 5000
"""Chroma answers 500 to a `get` of more ids than SQLite takes variables (32,766)."""


class UpdateBody(msgspec.Struct):
    """What of an update decides whether the index of embeddings learns of it."""

    ids: list[str]
    embeddings: msgspec.Raw = NULL


def embedded_ids(body: bytes) -> list[str]:
    """Return the ids to which an update gives embeddings, in the order of its rows.

    None of a body that Chroma refuses: it is sent as it came, so that Chroma words the refusal.
    """
    try:
        update = msgspec.json.decode(body, type=UpdateBody)
    except MALFORMED:
        return []
    if bytes(update.embeddings) == b"null" or "" in update.ids:
        return []
    return update.ids


def gets_of(ids: list[str]) -> list[bytes]:
    """Return the `get` bodies that tell which of the ids exist."""
    different = list(dict.fromkeys(ids))
    return [
        msgspec.json.encode({"ids": different[start : start + MOST_IDS_PER_GET], "include": []})
        for start in range(0, len(different), MOST_IDS_PER_GET)
    ]


def without_ghosts(body: bytes, existing: set[str], lane_id: UUID, position: int) -> bytes:
    """Return the update with an id that no document ever has in place of each absent one.

    The rows stay, so that Chroma checks them as it would have, and sets the dimension of a
    collection that has none. The ids follow from the entry, so that a second run writes the same.
    A body whose ids all exist is returned as it came.
    """
    ids = embedded_ids(body)
    if all(each in existing for each in ids):
        return body
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    renamed = [
        each if each in existing else str(uuid5(lane_id, f"{position}.{row}"))
        for row, each in enumerate(ids)
    ]
    fields["ids"] = msgspec.Raw(msgspec.json.encode(renamed))
    return msgspec.json.encode(fields)
