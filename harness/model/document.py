"""Owns the content of documents: text, metadata and embedding are pure functions of a token.

A token is `<file>/<chunk>@<write>`: it names one write of one document, so that a checker can tell
from what an instance holds exactly which write is present. Knows nothing of how it is stored.
"""

import hashlib
from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

Scalar = str | int | float | bool

_WORDS = ("ledger", "harbour", "signal", "copper", "meadow", "archive", "lantern", "orbit")
_WORDS_PER_DOCUMENT = 12


class Document(msgspec.Struct, frozen=True):
    """What one write stores under one id; `embedding` is `(dimensions,)` float32."""

    id: str
    text: str
    metadata: dict[str, Scalar]
    embedding: NDArray[np.float32]


def make_token(file: str, chunk: int, write: str) -> str:
    """Name the content that `write` gives to one chunk of `file`."""
    return f"{file}/{chunk}@{write}"


def id_of(token: str) -> str:
    """Name the id of the document that the token is a content of."""
    return token.partition("@")[0]


def file_of(document_id: str) -> str:
    """Name the file that the document is a chunk of."""
    return document_id.rpartition("/")[0]


def document_of(token: str, seed: int, dimensions: int) -> Document:
    """Make the document that the token names."""
    document_id = id_of(token)
    file, _, chunk = document_id.rpartition("/")
    digest = hashlib.blake2b(f"{seed}:{token}".encode(), digest_size=8).digest()
    random = np.random.default_rng(int.from_bytes(digest))
    words = " ".join(_WORDS[n] for n in random.integers(0, len(_WORDS), _WORDS_PER_DOCUMENT))
    return Document(
        id=document_id,
        text=f"{token} {words}",
        metadata={"file": file, "chunk": int(chunk), "token": token},
        embedding=random.standard_normal(dimensions, dtype=np.float32),
    )


def embedding_digest(embedding: NDArray[np.float32]) -> str:
    """Name the exact float32 values of an embedding."""
    return hashlib.blake2b(embedding.astype("<f4").tobytes(), digest_size=12).hexdigest()


def token_in(metadata: Mapping[str, Scalar | None] | None) -> str:
    """Read the token that stored metadata claims; empty when it claims none."""
    token = (metadata or {}).get("token")
    return token if isinstance(token, str) else ""
