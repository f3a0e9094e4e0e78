"""Judges that every acknowledged write is on every instance, unless a later write replaced it."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from harness.checkers.cases import Case, cases
from harness.checkers.documents import DocumentKey
from harness.checkers.registers import ABSENT
from harness.model.document import id_of
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.verdict import Verdict, Violation, decide, unknown

NAME = "durability"


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Look for acknowledged collections and documents that an instance does not hold.

    Judged per document. A write in doubt excuses a loss only where it may itself be the last one.
    """
    if not finals:
        return unknown(NAME, "there are no final reads")
    violations: list[Violation] = []
    examined = 0
    lost: set[tuple[str, str]] = set()
    table = OutcomeTable()
    for case in cases(history, finals):
        if not case.is_collection:
            table.take(case)
            examined += any(effect.definite and effect.token for effect in case.effects)
        if is_lost(case):
            lost.add((case.collection, case.document))
            table.stale |= {(case.collection, case.document)} if is_stale(case) else set()
            what = "collection" if case.is_collection else "write"
            message = f"an acknowledged {what} is lost: {case.subject}"
            violations.append(Violation(message, case.evidence, operation=case.last_write))
    figures = {"lost": float(len(lost)), **table.figures(documents_read(history))}
    return decide(NAME, examined, violations, figures)


@dataclass
class OutcomeTable:
    """What became of writes, one document at a time, over all instances."""

    acknowledged: set[DocumentKey] = field(default_factory=set)
    stale: set[DocumentKey] = field(default_factory=set)
    in_doubt: set[tuple[DocumentKey, str]] = field(default_factory=set)
    present: set[tuple[DocumentKey, str]] = field(default_factory=set)

    def take(self, case: Case) -> None:
        """Take in what one instance holds."""
        key = (case.collection, case.document)
        if any(effect.definite and effect.token for effect in case.effects):
            self.acknowledged.add(key)
        doubted = {(key, e.token) for e in case.effects if e.token and not e.definite}
        self.in_doubt |= doubted
        self.present |= {each for each in doubted if each[1] == case.held and not case.flaw}

    def figures(self, read: Set[DocumentKey]) -> dict[str, float]:
        """Count documents, and writes in doubt that are there or not (replaced ones among these).

        `read` are the documents whose content a client has read.
        """
        return {
            "acknowledged": len(self.acknowledged),
            "stale": len(self.stale),
            "never_read": len(self.acknowledged - read),
            "in_doubt_present": len(self.present),
            "in_doubt_absent": len(self.in_doubt - self.present),
        }


def documents_read(history: History) -> set[DocumentKey]:
    """Collect the documents whose content a client has read through the load balancer."""
    return {
        (operation.collection, id_of(token))
        for operation in history.operations
        for token in operation.observed
        if token
    }


def is_stale(case: Case) -> bool:
    """Tell whether a loss left an older content behind."""
    return bool(case.held) and not case.is_foreign


def is_lost(case: Case) -> bool:
    """Tell whether what is held says that an acknowledged write is not there.

    It is lost when nothing is there though something must be, when anything else is there than
    what must be, and when an older content is there that no acknowledged delete followed (with
    one, it is a resurrection).
    """
    if case.fits or case.is_revived:
        return False
    if ABSENT not in case.allowed:
        return True
    return not case.is_foreign and not case.deletes_since
