"""Judges that every acknowledged write is on every instance, unless a later write replaced it."""

from collections.abc import Sequence

from harness.checkers.cases import Case, cases
from harness.checkers.registers import ABSENT
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.operation import Completion, Kind
from harness.model.verdict import Verdict, Violation, decide, unknown

NAME = "durability"


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Look for acknowledged collections and documents that an instance does not hold.

    Judged per document. A write in doubt excuses a loss only where it may itself be the last one.
    """
    if not finals:
        return unknown(NAME, "there are no final reads")
    violations = _lost_collections(history, finals)
    examined = 0
    lost: set[tuple[str, str]] = set()
    for case in cases(history, finals):
        examined += any(effect.definite and effect.token for effect in case.effects)
        if is_lost(case):
            lost.add((case.collection, case.document))
            message = f"an acknowledged write is lost: {case.subject}"
            violations.append(Violation(message, case.evidence))
    return decide(NAME, examined, violations, {"lost": len(lost)})


def is_lost(case: Case) -> bool:
    """Tell whether what is held says that an acknowledged write is not there.

    It is lost when nothing is there though something must be, when anything else is there than
    what must be, and when an older content is there that no acknowledged delete followed (with
    one, it is a resurrection).
    """
    if case.fits:
        return False
    if ABSENT not in case.allowed:
        return True
    return not case.is_foreign and not case.deletes_since


def _lost_collections(history: History, finals: Sequence[FinalState]) -> list[Violation]:
    created = {
        operation.collection: operation.name
        for operation in history.operations
        if operation.kind is Kind.CREATE and operation.completion is Completion.OK
    }
    return [
        Violation(f"an acknowledged collection is lost: {name} on {final.instance}", (by,))
        for name, by in created.items()
        for final in finals
        if name not in final.collections
    ]
