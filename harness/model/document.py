"""Owns the content of documents: text, metadata and embedding are pure functions of a token.

A token is `<file>/<chunk>@<write>`: it names one write of one document, so that a checker can tell
from what an instance holds exactly which write is present. Knows nothing of how it is stored.

A document can have **marks**: metadata keys that updates set one by one, beside the content. A
mark's token is `<file>/<chunk>#<key>@<write>`; what stands before the `@` is its **register**, as
the id is that of the content. `<register>@` says that the document is there, but not the mark.
"""

import hashlib
from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

Scalar = str | int | float | bool

_WORDS = ("ledger", "harbour", "signal", "copper", "meadow", "archive", "lantern", "orbit")
_WORDS_PER_DOCUMENT = 12
_MARK_PREFIX = "mark."


class Document(msgspec.Struct, frozen=True):
    """What one write stores under one id; `embedding` is `(dimensions,)` float32."""

    id: str
    text: str
    metadata: dict[str, Scalar]
    embedding: NDArray[np.float32]


def make_token(file: str, chunk: int, write: str) -> str:
    """Name the content that `write` gives to one chunk of `file`."""
    return f"{file}/{chunk}@{write}"


def make_mark(document_id: str, key: str, write: str) -> str:
    """Name the value that `write` gives to one mark of a document."""
    return f"{document_id}#{key}@{write}"


def id_of(token: str) -> str:
    """Name the register that the token is a value of: for a content the id of its document."""
    return token.partition("@")[0]


def document_id_of(register: str) -> str:
    """Name the document that the register is a part of."""
    return register.partition("#")[0]


def is_mark(token: str) -> bool:
    """Tell whether the token is a value of a mark, not a whole content."""
    return "#" in id_of(token)


def bare(register: str) -> str:
    """Name what a register holds when its document is there and nothing was written to it."""
    return f"{register}@"


def file_of(document_id: str) -> str:
    """Name the file that the document is a chunk of."""
    return document_id.rpartition("/")[0]


def document_of(token: str, seed: int, dimensions: int, text_bytes: int = 0) -> Document:
    """Make the document that the token names; its text is at least `text_bytes` long."""
    document_id = id_of(token)
    file, _, chunk = document_id.rpartition("/")
    digest = hashlib.blake2b(f"{seed}:{token}".encode(), digest_size=8).digest()
    random = np.random.default_rng(int.from_bytes(digest))
    words = " ".join(_WORDS[n] for n in random.integers(0, len(_WORDS), _WORDS_PER_DOCUMENT))
    text = f"{token} {words}"
    return Document(
        id=document_id,
        text=text + f" {words}" * -(-max(0, text_bytes - len(text)) // (len(words) + 1)),
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


def mark_metadata(token: str) -> dict[str, Scalar]:
    """Make the metadata that sets the mark which the token is a value of."""
    return {_MARK_PREFIX + id_of(token).partition("#")[2]: token}


def marks_in(metadata: Mapping[str, Scalar | None] | None) -> dict[str, str]:
    """Read the tokens of the marks in stored metadata, by key."""
    return {
        key.removeprefix(_MARK_PREFIX): value
        for key, value in (metadata or {}).items()
        if key.startswith(_MARK_PREFIX) and isinstance(value, str)
    }


def without_marks(
    metadata: Mapping[str, Scalar | None] | None,
) -> dict[str, Scalar | None]:
    """Leave out the marks: what the content says of itself."""
    marks = {_MARK_PREFIX + key for key in marks_in(metadata)}
    return {key: value for key, value in (metadata or {}).items() if key not in marks}


def tokens_in(metadata: Mapping[str, Scalar | None] | None) -> tuple[str, ...]:
    """Read all tokens that stored metadata claims; the first is the content's, empty without."""
    return (token_in(metadata), *marks_in(metadata).values())
