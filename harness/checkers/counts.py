"""Judges that what clients counted is a number of documents that can have been there.

A document was certainly there during a count when one that made it had ended before, and no delete
can have come after that. It was certainly not there when a delete had ended before the count began,
and all that may have made it had ended before that delete.
"""

from collections import defaultdict
from collections.abc import Sequence

from harness.checkers.registers import Change, Effect, effects_by_document
from harness.model.collection import is_collection
from harness.model.document import document_id_of
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.operation import Completion, Kind, Operation
from harness.model.verdict import Verdict, Violation, decide

NAME = "counts"


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Compare every count with the fewest and the most documents that there can have been."""
    del finals
    by_collection: dict[str, list[Sequence[Effect]]] = defaultdict(list)
    for (collection, register), effects in effects_by_document(history.operations).items():
        # A mark is no document.
        if register == document_id_of(register) and not is_collection(collection, register):
            by_collection[collection].append(effects)
    counts = [
        operation
        for operation in history.operations
        if operation.kind is Kind.COUNT and operation.completion is Completion.OK
    ]
    violations: list[Violation] = []
    for count in counts:
        documents = by_collection[count.collection]
        fewest = sum(_certainly_there(count, effects) for effects in documents)
        most = sum(_may_be_there(count, effects) for effects in documents)
        if count.counted is None or not fewest <= count.counted <= most:
            message = f"{count.process} counted what cannot have been in {count.collection}"
            numbers = f"{count.name} counted {count.counted}, there were {fewest} to {most}"
            violations.append(Violation(message, (numbers,)))
    return decide(NAME, len(counts), violations)


def _certainly_there(count: Operation, effects: Sequence[Effect]) -> bool:
    deletes = [e for e in effects if e.change is Change.DELETE and _began(e, count)]
    return any(
        maker.change.makes
        and _ended(maker, count)
        and all(delete.precedes(maker) for delete in deletes)
        for maker in effects
    )


def _may_be_there(count: Operation, effects: Sequence[Effect]) -> bool:
    makers = [e for e in effects if e.change.makes and _began(e, count)]
    return bool(makers) and not any(
        delete.change is Change.DELETE
        and _ended(delete, count)
        and all(maker.precedes(delete) for maker in makers)
        for delete in effects
    )


def _began(effect: Effect, count: Operation) -> bool:
    return effect.invoked_ns <= count.completed_ns


def _ended(effect: Effect, count: Operation) -> bool:
    return effect.definite and effect.completed_ns < count.invoked_ns
