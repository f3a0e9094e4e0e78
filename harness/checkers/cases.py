"""Owns the comparison that durability, resurrection and phantom share, one document at a time.

A case says what one instance holds under one id and what it may hold. Each of the three checkers
names a part of the misfits, and together they name all of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.checkers.expectation import held_value
from harness.checkers.held import Held, held_registers
from harness.checkers.registers import (
    ABSENT,
    Change,
    Effect,
    effects_by_document,
    final_values,
)
from harness.model.collection import is_collection
from harness.model.final_state import FinalState
from harness.model.history import History


@dataclass(frozen=True)
class Case:
    """One register of one instance; `flaw` says how content differs from every token.

    `collection` is the label of the collection; `document` is the register in it.
    """

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
        """The effects that may have written what is held; an update finds nothing before others."""
        return tuple(
            effect
            for effect in self.effects
            if effect.token == self.held
            and effect.token != ABSENT
            and (effect.change is not Change.SET_IF_PRESENT or self._may_find(effect))
        )

    def _may_find(self, update: Effect) -> bool:
        return any(e.change.makes and not update.precedes(e) for e in self.effects)

    @property
    def is_revived(self) -> bool:
        """Tell whether an update brought back what had been deleted, instead of finding nothing."""
        return (
            self.held != ABSENT
            and self.allowed == {ABSENT}
            and any(e.change is Change.DELETE and e.definite for e in self.effects)
            and bool(self.writers)
            and all(writer.change is Change.SET_IF_PRESENT for writer in self.writers)
        )

    @property
    def is_collection(self) -> bool:
        """Tell whether it is about the collection itself."""
        return is_collection(self.collection, self.document)

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
    def last_write(self) -> str:
        """Name the acknowledged operation that the register must show; empty without one."""
        known = [e for e in self.effects if e.definite and e.token in self.allowed]
        return max(known, key=lambda e: e.completed_ns).operation if known else ""

    @property
    def subject(self) -> str:
        """Where it is, for messages."""
        if self.is_collection:
            return f"{self.document} on {self.instance}"
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
    """Yield every register that was touched by an operation or is held by an instance."""
    effects = effects_by_document(history.operations)
    allowed = {key: final_values(found) for key, found in effects.items()}
    for final in finals:
        held = held_registers(final, history.header)
        values = {key: found.token for key, found in held.items()}
        for key in sorted(effects.keys() | held.keys()):
            yield Case(
                instance=final.instance,
                collection=key[0],
                document=key[1],
                held=held_value(values, key),
                flaw=held.get(key, Held(ABSENT)).flaw,
                allowed=allowed.get(key, frozenset({ABSENT})),
                effects=effects.get(key, ()),
            )
