"""Requests that are known to break a Chroma server, recognised before they are logged. Pure.

A logged request is applied everywhere, so one that breaks a server would break them all.
"""

import msgspec

from lb.payloads import MALFORMED

RESERVED_PREFIX = "chroma:"


class _Metadatas(msgspec.Struct):
    metadatas: list[dict[str, msgspec.Raw] | None] | None = None


def reserved_key(body: bytes) -> str | None:
    """Find a metadata key of a write that Chroma keeps for itself.

    Chroma 1.5.9 accepts `chroma:document` once; from then on every write to that server answers
    500, also after a restart. Nearly all bodies are cleared by the first look.
    """
    if RESERVED_PREFIX.encode() not in body and b"\\u" not in body:
        return None
    try:
        metadatas = msgspec.json.decode(body, type=_Metadatas).metadatas or ()
    except MALFORMED:
        return None
    keys = (key for metadata in metadatas if metadata for key in metadata)
    return next((key for key in keys if key.startswith(RESERVED_PREFIX)), None)
