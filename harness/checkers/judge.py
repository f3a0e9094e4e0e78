"""Owns which checkers judge a run, and what becomes of one that crashes."""

from collections.abc import Callable, Sequence

from harness.checkers import (
    availability,
    convergence,
    durability,
    faults,
    linearizability,
    phantom,
    resurrection,
    sessions,
)
from harness.checkers.linearizability.documents import check_documents
from harness.model.final_state import FinalState
from harness.model.history import History
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
}


def judge(history: History, finals: Sequence[FinalState]) -> tuple[Verdict, ...]:
    """Let every checker of the run give its verdict."""
    checkers = dict(_ALWAYS)
    if history.header.faults:
        checkers[faults.NAME] = faults.check
    return tuple(guarded(name, check, history, finals) for name, check in checkers.items())


def guarded(name: str, check: Checker, history: History, finals: Sequence[FinalState]) -> Verdict:
    """Call one checker; an error of its own makes its verdict unknown, with the error as reason."""
    try:
        return check(history, finals)
    except Exception as error:
        return unknown(name, f"the checker crashed: {error!r}")
