"""Owns which values one document may finally have, given everything that was done to it.

Every document id is a register. Clients that overlap in time may have been served in either order;
an operation that ended before another began came first. What is in doubt (info) may have been
applied at any time after its invocation, or never. What failed definitely was never applied.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from harness.model.document import file_of
from harness.model.operation import Addressing, Completion, Kind, Operation

# A document that is not there.
ABSENT = ""

_STEPS = 200_000


class Change(Enum):
    """What an operation does to one document: `add` sets only what is absent."""

    SET = auto()
    SET_IF_ABSENT = auto()
    DELETE = auto()


@dataclass(frozen=True)
class Effect:
    """What one operation would do to one document; `definite` when a client was told so."""

    change: Change
    token: str
    definite: bool
    invoked_ns: int
    completed_ns: int
    operation: str

    def precedes(self, other: "Effect") -> bool:
        """Tell whether this effect certainly came before the other."""
        return self.definite and self.completed_ns < other.invoked_ns


DocumentKey = tuple[str, str]

_CHANGES = {
    Kind.ADD: Change.SET_IF_ABSENT,
    Kind.UPSERT: Change.SET,
    Kind.DELETE: Change.DELETE,
}


def effects_by_document(
    operations: Iterable[Operation],
) -> dict[DocumentKey, tuple[Effect, ...]]:
    """Collect the effects on every (collection, id) that any operation may have touched."""
    writes = [o for o in operations if o.kind in _CHANGES and o.completion is not Completion.FAIL]
    ids_of_file: dict[tuple[str, str], set[str]] = defaultdict(set)
    for operation in writes:
        for document_id in operation.ids:
            ids_of_file[operation.collection, file_of(document_id)].add(document_id)
    effects: dict[DocumentKey, list[Effect]] = defaultdict(list)
    for operation in writes:
        ids: Iterable[str] = operation.ids
        if operation.addressing is Addressing.WHERE:
            ids = ids_of_file[operation.collection, operation.file]
        tokens = dict(zip(operation.ids, operation.tokens, strict=bool(operation.tokens)))
        for document_id in ids:
            effect = _effect(operation, tokens.get(document_id, ABSENT))
            effects[operation.collection, document_id].append(effect)
    return {
        key: tuple(sorted(found, key=lambda effect: effect.invoked_ns))
        for key, found in effects.items()
    }


def _effect(operation: Operation, token: str) -> Effect:
    return Effect(
        change=_CHANGES[operation.kind],
        token=token,
        definite=operation.completion is Completion.OK,
        invoked_ns=operation.invoked_ns,
        completed_ns=operation.completed_ns,
        operation=operation.name,
    )


def final_values(effects: Sequence[Effect]) -> frozenset[str]:
    """Every value that the document may have in the end: a token, or `ABSENT`.

    A search over (effects applied, value) with memory: each order that real time allows, with and
    without each effect in doubt. Raises `RuntimeError` past its budget of steps.
    """
    definite = sum(1 << n for n, effect in enumerate(effects) if effect.definite)
    before = [
        sum(1 << n for n, earlier in enumerate(effects) if earlier.precedes(later))
        for later in effects
    ]
    start = (0, ABSENT)
    seen = {start}
    stack = [start]
    values: set[str] = set()
    while stack:
        applied, value = stack.pop()
        if applied & definite == definite:
            values.add(value)
        for n, effect in enumerate(effects):
            if applied >> n & 1 or before[n] & ~applied:
                continue
            following = (applied | 1 << n, _apply(effect, value))
            if following not in seen:
                seen.add(following)
                stack.append(following)
        if len(seen) > _STEPS:
            raise RuntimeError(f"more than {_STEPS} states for one document: too much is in doubt")
    return frozenset(values)


def _apply(effect: Effect, value: str) -> str:
    match effect.change:
        case Change.SET:
            return effect.token
        case Change.SET_IF_ABSENT:
            return value or effect.token
        case Change.DELETE:
            return ABSENT
