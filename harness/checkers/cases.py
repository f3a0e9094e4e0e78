"""Owns the comparison that durability, resurrection and phantom share, one document at a time.

A case says what one instance holds under one id and what it may hold. Each of the three checkers
names a part of the misfits, and together they name all of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.checkers.registers import (
    ABSENT,
    Change,
    DocumentKey,
    Effect,
    effects_by_document,
    final_values,
)
from harness.model.document import document_of, embedding_digest, token_in
from harness.model.final_state import FinalState, HeldDocument
from harness.model.history import Header, History


@dataclass(frozen=True)
class Case:
    """One document of one instance; `flaw` says how content differs from every token."""

    instance: str
    collection: str
    document: str
    held: str
    flaw: str
    allowed: frozenset[str]
    effects: tuple[Effect, ...]

    @property
    def fits(self) -> bool:
        """Tell whether the instance holds something that it may hold."""
        return not self.flaw and self.held in self.allowed

    @property
    def is_foreign(self) -> bool:
        """Tell whether something is there that no operation can have written under this id."""
        return bool(self.flaw) or (self.held != ABSENT and not self.writers)

    @property
    def writers(self) -> tuple[Effect, ...]:
        """The effects that may have written what is held."""
        return tuple(e for e in self.effects if e.token == self.held and e.token != ABSENT)

    @property
    def deletes_since(self) -> tuple[Effect, ...]:
        """The acknowledged deletes that came after every write of what is held."""
        return tuple(
            effect
            for effect in self.effects
            if effect.change is Change.DELETE
            and effect.definite
            and all(writer.precedes(effect) for writer in self.writers)
        )

    @property
    def subject(self) -> str:
        """Where it is, for messages."""
        return f"{self.collection}/{self.document} on {self.instance}"

    @property
    def evidence(self) -> tuple[str, ...]:
        """What was held, what was allowed, and the operations that say so."""
        allowed = ", ".join(sorted(value or "nothing" for value in self.allowed))
        return (
            f"held: {self.flaw or self.held or 'nothing'}",
            f"allowed: {allowed}",
            *(
                f"{e.operation}: {e.change.name.lower()} {e.token} "
                f"({'acknowledged' if e.definite else 'in doubt'})"
                for e in self.effects
            ),
        )


def cases(history: History, finals: Sequence[FinalState]) -> Iterator[Case]:
    """Yield every document that was touched by an operation or is held by an instance."""
    effects = effects_by_document(history.operations)
    allowed = {key: final_values(found) for key, found in effects.items()}
    for final in finals:
        held = {
            (name, document_id): document
            for name, collection in final.collections.items()
            for document_id, document in collection.documents.items()
        }
        for key in sorted(effects.keys() | held.keys()):
            token, flaw = _identify(key, held.get(key), history.header)
            yield Case(
                instance=final.instance,
                collection=key[0],
                document=key[1],
                held=token,
                flaw=flaw,
                allowed=allowed.get(key, frozenset({ABSENT})),
                effects=effects.get(key, ()),
            )


def _identify(key: DocumentKey, held: HeldDocument | None, header: Header) -> tuple[str, str]:
    """Say which token a held document is the content of, or what is wrong with it."""
    if held is None:
        return ABSENT, ""
    token = token_in(held.metadata)
    if not token:
        return ABSENT, f"content without a token: {held.metadata}"
    try:
        expected = document_of(token, header.seed, header.dimensions)
    except ValueError:
        return token, f"content with a token that no client makes: {token}"
    differing = [
        name
        for name, same in (
            ("id", expected.id == key[1]),
            ("text", expected.text == held.text),
            ("metadata", expected.metadata == held.metadata),
            ("embedding", embedding_digest(expected.embedding) == held.embedding_digest),
        )
        if not same
    ]
    return token, f"{token}, but with another {', '.join(differing)}" if differing else ""
