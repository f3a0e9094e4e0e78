"""Owns the content of a collection itself: its metadata and its name, as two registers of tokens.

A collection is known by its **label**, the part of its name before the first dot, so that a rename
changes the part behind it. As a document it is one whose id is the label: `<label>@<write>` names
what its metadata says, and `<label>#name@<name>` the name that it has. Knows no documents in it.
"""

from collections.abc import Mapping

from harness.model.document import Scalar, bare, id_of, make_mark, token_in

_NAME = "name"


def label_of(name: str) -> str:
    """Name the collection that has, or had, this name."""
    return name.partition(".")[0]


def metadata_token(label: str, write: str) -> str:
    """Name the metadata that `write` gives to a collection."""
    return f"{label}@{write}"


def name_token(label: str, name: str) -> str:
    """Name the name that a collection is given."""
    return make_mark(label, _NAME, name)


def name_in(token: str) -> str:
    """Read the name out of its token."""
    return token.partition("@")[2]


def is_collection(collection: str, register: str) -> bool:
    """Tell whether the register is one of the collection itself, not of a document in it."""
    return register in (collection, id_of(name_token(collection, "")))


def collection_tokens(name: str, metadata: Mapping[str, Scalar | None] | None) -> tuple[str, str]:
    """Read both tokens of a collection that is there."""
    label = label_of(name)
    return token_in(metadata) or bare(label), name_token(label, name)
