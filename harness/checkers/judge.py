"""Owns which checkers judge a run, and what becomes of one that crashes."""

from collections.abc import Callable, Sequence

from harness.checkers import (
    availability,
    convergence,
    counts,
    durability,
    endings,
    exactly_once,
    faults,
    health_figures,
    linearizability,
    log_drained,
    mappings,
    phantom,
    recall,
    resurrection,
    sessions,
    status_figures,
    transactions,
)
from harness.checkers.biography import with_biographies
from harness.checkers.linearizability.documents import check_documents
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.observation import ServerEnding
from harness.model.operation import Kind
from harness.model.verdict import Verdict, unknown

Checker = Callable[[History, Sequence[FinalState]], Verdict]

_ALWAYS: dict[str, Checker] = {
    durability.NAME: durability.check,
    resurrection.NAME: resurrection.check,
    phantom.NAME: phantom.check,
    linearizability.NAME: check_documents,
    sessions.READ_YOUR_WRITES: sessions.check_read_your_writes,
    sessions.MONOTONIC_READS: sessions.check_monotonic_reads,
    convergence.NAME: convergence.check,
    availability.NAME: availability.check,
    recall.NAME: recall.check,
    exactly_once.NAME: exactly_once.check,
    transactions.NAME: transactions.check,
    mappings.NAME: mappings.check,
    log_drained.NAME: log_drained.check,
    status_figures.NAME: status_figures.check,
    health_figures.NAME: health_figures.check,
}


def judge(history: History, finals: Sequence[FinalState]) -> tuple[Verdict, ...]:
    """Let every checker of the run give its verdict."""
    checkers = dict(_ALWAYS)
    if history.header.faults:
        checkers[faults.NAME] = faults.check
    if history.observed(ServerEnding):
        checkers[endings.NAME] = endings.check
    if any(operation.kind is Kind.COUNT for operation in history.operations):
        checkers[counts.NAME] = counts.check
    verdicts = [guarded(name, check, history, finals) for name, check in checkers.items()]
    return tuple(with_biographies(verdict, history, finals) for verdict in verdicts)


def guarded(name: str, check: Checker, history: History, finals: Sequence[FinalState]) -> Verdict:
    """Call one checker; an error of its own makes its verdict unknown, with the error as reason."""
    try:
        return check(history, finals)
    except Exception as error:
        return unknown(name, f"the checker crashed: {error!r}")
