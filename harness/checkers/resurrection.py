"""Judges that nothing acknowledged as deleted is there, unless it was written again later."""

from collections.abc import Sequence

from harness.checkers.cases import Case, cases
from harness.checkers.registers import Change
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.verdict import Verdict, Violation, decide, unknown

NAME = "resurrection"


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Look for contents that an acknowledged delete had removed."""
    if not finals:
        return unknown(NAME, "there are no final reads")
    violations: list[Violation] = []
    examined = 0
    resurrected: set[tuple[str, str]] = set()
    for case in cases(history, finals):
        examined += not case.is_collection and any(
            e.definite and e.change is Change.DELETE for e in case.effects
        )
        if is_resurrected(case):
            resurrected.add((case.collection, case.document))
            message = f"an acknowledged delete did not last: {case.subject}"
            violations.append(Violation(message, case.evidence, operation=case.last_write))
    return decide(NAME, examined, violations, {"resurrected": len(resurrected)})


def is_resurrected(case: Case) -> bool:
    """Tell whether a content is there that was written before an acknowledged delete only."""
    if case.fits or case.flaw or not case.writers:
        return False
    return bool(case.deletes_since) or case.is_revived
