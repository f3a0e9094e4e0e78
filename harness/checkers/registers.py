"""Owns what every operation does to each register, and which values one may finally have.

Every document id is a register, and so is every mark of a document and each of the two parts of a
collection. Clients that overlap in time may have been served in either order; an operation that
ended before another began came first. What is in doubt (info) may have been applied at any time
after its invocation, or never. What failed definitely was never applied.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from harness.checkers.documents import DocumentKey, Documents
from harness.model.collection import metadata_token, name_token
from harness.model.document import bare, id_of, is_mark
from harness.model.operation import Completion, Kind, Operation

# A document that is not there.
ABSENT = ""


class Change(Enum):
    """What an operation does to one register of a document.

    An add sets only what is absent, an update only what is there.
    """

    SET = auto()
    SET_IF_ABSENT = auto()
    SET_IF_PRESENT = auto()
    DELETE = auto()

    @property
    def makes(self) -> bool:
        """Tell whether the document is certainly there right after it."""
        return self in (Change.SET, Change.SET_IF_ABSENT)


@dataclass(frozen=True)
class Effect:
    """What one operation would do to one register; `definite` when a client was told so."""

    change: Change
    token: str
    definite: bool
    invoked_ns: int
    completed_ns: int
    operation: str

    def precedes(self, other: "Effect") -> bool:
        """Tell whether this effect certainly came before the other."""
        return self.definite and self.completed_ns < other.invoked_ns


_CHANGES = {
    Kind.ADD: Change.SET_IF_ABSENT,
    Kind.UPSERT: Change.SET,
    Kind.UPDATE: Change.SET_IF_PRESENT,
    Kind.DELETE: Change.DELETE,
    # `get_or_create` of a collection that is there changes nothing of it.
    Kind.CREATE: Change.SET_IF_ABSENT,
    Kind.MODIFY: Change.SET_IF_PRESENT,
    Kind.RENAME: Change.SET_IF_PRESENT,
    Kind.DROP: Change.DELETE,
}


def effects_by_document(
    operations: Iterable[Operation],
) -> dict[DocumentKey, tuple[Effect, ...]]:
    """Collect the effects on every (collection, register) that any operation may have touched."""
    writes = [o for o in operations if o.kind in _CHANGES and o.completion is not Completion.FAIL]
    documents = Documents(key for write in writes for key in _named(write))
    effects: dict[DocumentKey, list[Effect]] = defaultdict(list)
    for operation in writes:
        for register, change, token in _changes(operation, documents):
            effect = _effect(operation, change, token)
            effects[operation.collection, register].append(effect)
    return {
        key: tuple(sorted(found, key=lambda effect: effect.invoked_ns))
        for key, found in effects.items()
    }


def _named(operation: Operation) -> Iterator[DocumentKey]:
    for document_id in operation.ids:
        yield operation.collection, document_id
    for token in _tokens(operation):
        yield operation.collection, id_of(token)


def _tokens(operation: Operation) -> tuple[str, ...]:
    """Name what is written; a create that says nothing gives its label as the name."""
    if operation.kind is Kind.CREATE and not operation.tokens:
        label = operation.collection
        return metadata_token(label, ""), name_token(label, label)
    return operation.tokens


def _changes(operation: Operation, documents: Documents) -> Iterator[tuple[str, Change, str]]:
    """Yield (register, change, token) for everything that the operation touches."""
    change = _CHANGES[operation.kind]
    if change is Change.DELETE:
        for register in documents.selected(operation):
            yield register, change, ABSENT
        return
    tokens = _tokens(operation)
    for token in tokens:
        yield id_of(token), change, token
    if not change.makes:
        return
    # Chroma merges metadata: a document that is written keeps its marks, a new one has none.
    written = {id_of(token) for token in tokens}
    for register in (id_of(token) for token in tokens if not is_mark(token)):
        for mark in documents.parts(operation.collection, register):
            if mark not in written:
                yield mark, Change.SET_IF_ABSENT, bare(mark)


def _effect(operation: Operation, change: Change, token: str) -> Effect:
    return Effect(
        change=change,
        token=token,
        definite=operation.completion is Completion.OK,
        invoked_ns=operation.invoked_ns,
        completed_ns=operation.completed_ns,
        operation=operation.name,
    )


def final_values(effects: Sequence[Effect]) -> frozenset[str]:
    """Every value that the register may have in the end: a token, or `ABSENT`.

    Which value is last is decided by few effects, so no order is searched for: see `_Ends`.
    """
    ends = _Ends(effects)
    values = {effect.token for effect in effects if ends.may_be_last(effect)}
    return frozenset(values | {ABSENT} if ends.may_be_absent() else values)


class _Ends:
    """Which effect may be the last to change a register, by its intervals alone.

    An effect that is the last to change it is followed by adds only (they find it there). Some
    order ends so exactly when real time lets all others come before, and lets the register be
    absent right before an add, or there right before an update.
    """

    def __init__(self, effects: Sequence[Effect]) -> None:
        self._deletes = [e for e in effects if e.change is Change.DELETE]
        self._makers = [e for e in effects if e.change.makes]
        self._known_makers = [e for e in self._makers if e.definite]
        self._known_deletes_ns = _last_start(e for e in self._deletes if e.definite)
        self._changed_ns = _last_start(
            e for e in effects if e.definite and e.change is not Change.SET_IF_ABSENT
        )

    def may_be_absent(self) -> bool:
        """Tell whether a delete, or the beginning, may be what is left."""
        last_ns = _last_start(self._known_makers)
        return not self._known_makers or any(_not_before(d, last_ns) for d in self._deletes)

    def may_be_last(self, effect: Effect) -> bool:
        """Tell whether what this effect wrote may be left."""
        if not _not_before(effect, self._changed_ns):
            return False
        match effect.change:
            case Change.SET:
                return True
            case Change.SET_IF_ABSENT:
                return self._finds_nothing(effect)
            case Change.SET_IF_PRESENT:
                return any(
                    _not_before(maker, self._known_deletes_ns) and not effect.precedes(maker)
                    for maker in self._makers
                )
            case Change.DELETE:
                return False

    def _finds_nothing(self, add: Effect) -> bool:
        """Tell whether the register may be absent right before the add.

        What made it there comes before the add if it is no add itself, or if it ended before the
        add began, or before something began that does come before.
        """
        horizon_ns = max(add.invoked_ns, self._changed_ns)
        earlier = [
            maker
            for maker in self._known_makers
            if maker is not add and (maker.change is Change.SET or maker.completed_ns < horizon_ns)
        ]
        last_ns = _last_start(earlier)
        return not earlier or any(
            _not_before(delete, last_ns) and not add.precedes(delete) for delete in self._deletes
        )


def _last_start(effects: Iterable[Effect]) -> int:
    return max((effect.invoked_ns for effect in effects), default=-1)


def _not_before(effect: Effect, moment_ns: int) -> bool:
    """Tell whether the effect may come after all that began by that moment."""
    return not effect.definite or effect.completed_ns >= moment_ns
