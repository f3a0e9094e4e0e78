"""Owns what an instance held in the end, register by register, and what is wrong with a content."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.checkers.documents import DocumentKey
from harness.model.collection import collection_tokens, label_of
from harness.model.document import (
    document_of,
    embedding_digest,
    id_of,
    make_mark,
    marks_in,
    token_in,
    without_marks,
)
from harness.model.final_state import FinalState, HeldCollection, HeldDocument
from harness.model.history import Header


@dataclass(frozen=True)
class Held:
    """The token of a register; `flaw` says how what is there differs from what the token names."""

    token: str
    flaw: str = ""


def held_registers(final: FinalState, header: Header) -> dict[DocumentKey, Held]:
    """Read every register of the collections and documents of one instance."""
    held: dict[DocumentKey, Held] = {}
    for name, collection in final.collections.items():
        label = label_of(name)
        for register, found in _registers(name, collection, header):
            other = held.get((label, register))
            if other is not None:
                # A rename that left the old collection behind: both have the same label.
                found = Held(found.token, f"there twice: {other.token} and {found.token}")
            held[label, register] = found
    return held


def _registers(name: str, collection: HeldCollection, header: Header) -> Iterator[tuple[str, Held]]:
    label = label_of(name)
    about, named = collection_tokens(name, collection.metadata)
    wrong = "" if id_of(about) == label else f"the metadata of another collection: {about}"
    yield label, Held(about, wrong)
    yield id_of(named), Held(named)
    for document_id, document in collection.documents.items():
        yield document_id, _identify(document_id, document, header)
        for key, token in marks_in(document.metadata).items():
            register = id_of(make_mark(document_id, key, ""))
            wrong = "" if id_of(token) == register else f"the mark of another document: {token}"
            yield register, Held(token, wrong)


def _identify(document_id: str, held: HeldDocument, header: Header) -> Held:
    """Say which token a held document is the content of, or what is wrong with it."""
    token = token_in(held.metadata)
    if not token:
        return Held(token, f"content without a token: {held.metadata}")
    try:
        expected = document_of(token, header.seed, header.dimensions, header.text_bytes)
    except ValueError:
        return Held(token, f"content with a token that no client makes: {token}")
    differing = [
        name
        for name, same in (
            ("id", expected.id == document_id),
            ("text", expected.text == held.text),
            ("metadata", expected.metadata == without_marks(held.metadata)),
            ("embedding", embedding_digest(expected.embedding) == held.embedding_digest),
        )
        if not same
    ]
    return Held(token, f"{token}, but with another {', '.join(differing)}" if differing else "")
