"""Judges that nothing is there that no client ever tried to write."""

from collections.abc import Sequence

from harness.checkers.cases import Case, cases
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.operation import Completion
from harness.model.verdict import Verdict, Violation, decide, unknown

NAME = "phantom"


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Look for documents and collections that no operation can have made.

    A content counts as foreign when it differs from its token in text, metadata or embedding, when
    it lies under another id, and when its write was refused for certain.
    """
    if not finals:
        return unknown(NAME, "there are no final reads")
    violations: list[Violation] = []
    examined = 0
    phantoms: set[tuple[str, str]] = set()
    for case in cases(history, finals):
        examined += not case.is_collection and bool(case.held or case.flaw)
        if case.is_foreign:
            phantoms.add((case.collection, case.document))
            violations.append(Violation(_message(case, history), case.evidence))
    return decide(NAME, examined, violations, {"phantom": len(phantoms)})


def _message(case: Case, history: History) -> str:
    refused = [
        operation.name
        for operation in history.operations
        if operation.completion is Completion.FAIL
        and operation.kind.is_write
        and operation.collection == case.collection
        and case.held in operation.tokens
    ]
    if refused and not case.flaw:
        return f"a write is there that was refused ({refused[0]}): {case.subject}"
    if case.is_collection:
        return f"a collection is there that no client created: {case.subject}"
    return f"a content is there that no client wrote: {case.subject}"
