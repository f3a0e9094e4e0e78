"""Judges what every client process may expect of its own reads: never older than what it knows.

A value is **older** than another when every operation that may have made it ended before any that
may have made the other began. What was in doubt may have happened late, and is never older.
Linearizability includes both promises; a violation here names the client that would notice.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.checkers.documents import DocumentKey
from harness.checkers.reads import DocumentRead, reads_by_document
from harness.checkers.registers import ABSENT, Change, Effect, effects_by_document
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.verdict import Verdict, Violation, decide

READ_YOUR_WRITES = "read-your-writes"
MONOTONIC_READS = "monotonic-reads"

# That no operation has touched the document yet: older than every effect.
_UNTOUCHED = Effect(Change.DELETE, ABSENT, True, -1, -1, "the beginning")


@dataclass(frozen=True)
class _Session:
    """What one client process did with one document, with everybody's effects on it."""

    key: DocumentKey
    reads: Sequence[DocumentRead]
    own: Sequence[Effect]
    effects: Sequence[Effect]

    def makers(self, read: DocumentRead) -> list[Effect]:
        """Name the effects that what was read may come from."""
        makers = [
            effect
            for effect in self.effects
            if effect.token == read.value and effect.invoked_ns <= read.completed_ns
        ]
        was_written = any(
            effect.definite and effect.change.makes and effect.completed_ns < read.invoked_ns
            for effect in self.effects
        )
        if read.value == ABSENT and not (makers and was_written):
            makers.append(_UNTOUCHED)
        return makers


def check_read_your_writes(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Look for reads that show less than what the same client process had acknowledged before.

    An acknowledged add promises that something is there, not what: an add of what is there already
    is acknowledged too, and changes nothing. An update promises nothing of what is not there.
    """
    del finals
    examined = 0
    violations: list[Violation] = []
    for session in _sessions(history):
        for read in session.reads:
            known = [e for e in session.own if e.definite and e.completed_ns < read.invoked_ns]
            examined += bool(known)
            makers = session.makers(read)
            for write in known:
                if _contradicts(read, write) and _all_older(makers, [write]):
                    violations.append(_violation("its own write", session, read, write.operation))
                    break
    return decide(READ_YOUR_WRITES, examined, violations)


def check_monotonic_reads(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Look for reads that show an older value than an earlier read of the same client process."""
    del finals
    examined = 0
    violations: list[Violation] = []
    for session in _sessions(history):
        makers = [session.makers(read) for read in session.reads]
        for later in range(1, len(session.reads)):
            examined += 1
            for earlier in range(later):
                first, read = session.reads[earlier], session.reads[later]
                if first.value == read.value:
                    continue
                if makers[earlier] and _all_older(makers[later], makers[earlier]):
                    violations.append(_violation("its own read", session, read, first.operation))
                    break
    return decide(MONOTONIC_READS, examined, violations)


def _sessions(history: History) -> Iterator[_Session]:
    process_of = {operation.name: operation.process for operation in history.operations}
    effects = effects_by_document(history.operations)
    for key, reads in reads_by_document(history.operations, effects).items():
        by_process: dict[str, list[DocumentRead]] = defaultdict(list)
        for read in reads:
            by_process[read.process].append(read)
        found = effects.get(key, ())
        for process, own_reads in by_process.items():
            own = [effect for effect in found if process_of[effect.operation] == process]
            yield _Session(key, own_reads, own, found)


def _contradicts(read: DocumentRead, write: Effect) -> bool:
    """Tell whether the value can not be what the write left behind."""
    match write.change:
        case Change.SET_IF_ABSENT:
            return read.value == ABSENT
        case Change.SET_IF_PRESENT:
            return read.value not in (ABSENT, write.token)
        case Change.SET | Change.DELETE:
            return read.value != write.token


def _all_older(makers: Sequence[Effect], others: Sequence[Effect]) -> bool:
    return bool(makers) and all(m.precedes(other) for m in makers for other in others)


def _violation(known: str, session: _Session, read: DocumentRead, by: str) -> Violation:
    subject = "/".join(session.key)
    message = f"{read.process} read of {subject} less than {known} had told it"
    effects = (
        f"{e.operation}: {e.change.name.lower()} {e.token} "
        f"({'acknowledged' if e.definite else 'in doubt'})"
        for e in session.effects
    )
    told = f"{read.operation} read {read.value or 'nothing'} after {by}"
    return Violation(message, (told, *effects), operation=read.operation)
