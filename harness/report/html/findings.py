"""Owns the violations for readers: which operation, when, and which fault was in force."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from harness.model.document import file_of
from harness.model.observation import ServerEnding
from harness.model.operation import Addressing, Completion, Operation
from harness.model.verdict import Verdict, Violation
from harness.report.html.facts import RunFacts

MOST_SHOWN = 20
"""Of one checker; all of them are in `verdict.json`."""

MOST_IN_FULL = 3
"""With counterexample and biography, of one checker; the others in a line each."""

_MOST_LINES = 120
"""Of one biography or of the evidence of one violation: a document may be written all day."""
_AFTER = 40

_EVENT = re.compile(r"\s*(\d+\.\d+) s  (.*)", re.DOTALL)
_REFERENCE = re.compile(r"[\w.-]+#\d+")


class Event(msgspec.Struct, frozen=True):
    """One line of a biography or of evidence; what was seen at rest has no moment."""

    at: float | None
    text: str
    look: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One violation. `what`, `when` and `faults` are sentences; `at` is None where no time is."""

    number: int
    checker: str
    message: str
    evidence: tuple[Event, ...]
    biography: tuple[Event, ...]
    document: str = ""
    operation: str = ""
    what: str = ""
    when: str = ""
    faults: str = ""
    at: float | None = None
    until: float | None = None


def findings(facts: RunFacts) -> tuple[Finding, ...]:
    """Give the first violations of each checker, in the order of the checkers."""
    shown = [(v.checker, each) for v in facts.verdicts for each in v.violations[:MOST_SHOWN]]
    return tuple(
        _finding(facts, number, checker, violation)
        for number, (checker, violation) in enumerate(shown, start=1)
    )


def not_shown(verdict: Verdict) -> int:
    """Count the violations that are left out."""
    return max(0, len(verdict.violations) - MOST_SHOWN)


def _finding(facts: RunFacts, number: int, checker: str, violation: Violation) -> Finding:
    document = _document(facts, violation)
    operation = _operation(facts, violation, document)
    finding = Finding(
        number=number,
        checker=checker,
        message=violation.message,
        evidence=abridged([_proof(facts, line) for line in violation.evidence]),
        biography=abridged(list(_events(violation.biography, operation))),
        document=document,
    )
    return finding if operation is None else _about(facts, finding, operation)


def _about(facts: RunFacts, finding: Finding, operation: Operation) -> Finding:
    begin, end = facts.seconds(operation.invoked_ns), facts.seconds(operation.completed_ns)
    took_ms = (operation.completed_ns - operation.invoked_ns) / 1e6
    told = {
        Completion.OK: "was answered as done",
        Completion.FAIL: "was refused",
        Completion.INFO: "was left in doubt",
    }[operation.completion]
    status = f"status {operation.http_status}" if operation.http_status else operation.error
    return msgspec.structs.replace(
        finding,
        operation=operation.name,
        what=f"{operation.kind} by {operation.addressing} of {_of_what(operation)}",
        when=f"asked for at {begin:.3f} s, {told} {took_ms:.0f} ms later ({status})",
        faults=faults_at(facts, operation.invoked_ns, operation.completed_ns),
        at=begin,
        until=end,
    )


def _of_what(operation: Operation) -> str:
    if operation.addressing is Addressing.WHERE:
        return f"file {operation.file} in {operation.collection}"
    if len(operation.ids) == 1:
        return f"{operation.collection}/{operation.ids[0]}"
    many = f"{len(operation.ids)} documents in " if operation.ids else ""
    return f"{many}{operation.collection}"


def faults_at(facts: RunFacts, begin_ns: int, end_ns: int) -> str:
    """Say which faults were in force then; where none was, which was the nearest.

    A server that ended by itself counts as one until it answered again.
    """
    troubles = list(_troubles(facts))
    if active := [t for t in troubles if t.begin_ns <= end_ns and begin_ns <= t.end_ns]:
        return "; ".join(trouble.told for trouble in active)
    if not troubles:
        return "none in this run"
    nearest = min(troubles, key=lambda t: max(t.begin_ns - end_ns, begin_ns - t.end_ns))
    if nearest.begin_ns > end_ns:
        return f"none; {(nearest.begin_ns - end_ns) / 1e9:.2f} s later: {nearest.told}"
    return f"none; over {(begin_ns - nearest.end_ns) / 1e9:.2f} s before: {nearest.told}"


@dataclass(frozen=True)
class _Trouble:
    """Something that was wrong for a time, and what it is called."""

    begin_ns: int
    end_ns: int
    told: str


def _troubles(facts: RunFacts) -> Iterator[_Trouble]:
    end_ns = facts.zero_ns + round(facts.end_seconds * 1e9)
    for window in facts.history.fault_windows.values():
        if window.injected_ns:
            until_ns = window.heal_observed_ns or window.healed_ns or end_ns
            told = _span(facts, window.fault, window.injected_ns, window.healed_ns)
            yield _Trouble(window.injected_ns, until_ns, told)
    for each in facts.history.observed(ServerEnding):
        told = _span(facts, f"{each.server} ended by itself", each.alive_ns, each.answered_ns)
        yield _Trouble(each.alive_ns, each.answered_ns or end_ns, told)


def _span(facts: RunFacts, what: str, begin_ns: int, end_ns: int) -> str:
    until = f" to {facts.seconds(end_ns):.2f} s" if end_ns else " on"
    return f"{what}, from {facts.seconds(begin_ns):.2f} s{until}"


def _document(facts: RunFacts, violation: Violation) -> str:
    """Find the document that the message names, as `COLLECTION/ID`."""
    words = (word.rstrip(":,") for word in violation.message.split())
    return next((word for word in words if word in facts.documents), "")


def _operation(facts: RunFacts, violation: Violation, document: str) -> Operation | None:
    """Find the operation that it is about: the one it names, else the last write of the document.

    What names none and no document is about the first operation of its evidence.
    """
    if violation.operation:
        return facts.by_name.get(violation.operation)
    if document and (writes := list(_acknowledged_writes(facts, document))):
        return max(writes, key=lambda write: write.completed_ns)
    return next(_referred_to(facts, [violation.message, *violation.evidence]), None)


def _acknowledged_writes(facts: RunFacts, document: str) -> Iterator[Operation]:
    collection, _, document_id = document.partition("/")
    for operation in facts.history.operations:
        if operation.collection != collection or operation.completion is not Completion.OK:
            continue
        by_file = operation.addressing is Addressing.WHERE
        named = operation.file == file_of(document_id) if by_file else document_id in operation.ids
        if named and operation.kind.is_write:
            yield operation


def _referred_to(facts: RunFacts, texts: Iterable[str]) -> Iterator[Operation]:
    for text in texts:
        for name in _REFERENCE.findall(text):
            if name in facts.by_name:
                yield facts.by_name[name]


def abridged(events: Sequence[Event]) -> tuple[Event, ...]:
    """Keep the beginning, what is around the operation itself, and the end; say what is left out.

    Where no event is the operation itself, it is the end that counts.
    """
    if len(events) <= _MOST_LINES:
        return tuple(events)
    last = len(events) - 1
    it = next((at for at, event in enumerate(events) if event.look == "it"), last)
    around = range(max(0, it - _MOST_LINES + 2 * _AFTER), it + _AFTER // 2)
    kept = [at for at in range(len(events)) if at < 5 or at > last - 10 or at in around]
    shown: list[Event] = []
    for before, at in pairwise([-1, *kept]):
        if missing := at - before - 1:
            shown.append(Event(None, f"({missing:,} more, which are in verdict.json)", "left-out"))
        shown.append(events[at])
    return tuple(shown)


def _proof(facts: RunFacts, line: str) -> Event:
    """Give a line of evidence the moment of the operation that it names."""
    named = next(_referred_to(facts, [line]), None)
    return Event(None if named is None else facts.seconds(named.invoked_ns), line.strip(), "")


def _events(biography: Iterable[str], operation: Operation | None) -> Iterator[Event]:
    for line in biography:
        found = _EVENT.fullmatch(line)
        at, text = (float(found[1]), found[2]) if found else (None, line)
        is_it = operation is not None and text.startswith(f"{operation.name} ")
        is_fault = text.startswith("fault ") or " ended by itself" in text
        yield Event(at, text, "it" if is_it else "fault" if is_fault else "")
