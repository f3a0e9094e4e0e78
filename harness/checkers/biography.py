"""Owns the biography of one document: all that was done to it and seen of it, in order of time.

Operations and their entries in the log, what was read, what samples of the instances showed,
faults, servers that ended by themselves, and what each instance held at the end.
"""

from collections.abc import Iterator, Sequence
from operator import itemgetter

import msgspec

from harness.checkers.disturbances import server_endings
from harness.model.document import file_of, id_of
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.observation import InstanceSample, LogRow, Repeat
from harness.model.operation import Addressing, Kind, Operation
from harness.model.verdict import Verdict

_WITH_BIOGRAPHY = 3

Event = tuple[int, str]


def with_biographies(verdict: Verdict, history: History, finals: Sequence[FinalState]) -> Verdict:
    """Give the first violations the biographies of the documents that their messages name."""
    if not verdict.violations:
        return verdict
    names = document_names(history, finals)
    first = [
        msgspec.structs.replace(violation, biography=tuple(biography(history, finals, found)))
        if (found := next((word for word in violation.message.split() if word in names), ""))
        else violation
        for violation in verdict.violations[:_WITH_BIOGRAPHY]
    ]
    rest = verdict.violations[_WITH_BIOGRAPHY:]
    return msgspec.structs.replace(verdict, violations=(*first, *rest))


def document_names(history: History, finals: Sequence[FinalState]) -> set[str]:
    """Name every document that was written or is held, as `COLLECTION/ID`."""
    written = {f"{o.collection}/{i}" for o in history.operations for i in o.ids}
    return written | {
        f"{name}/{document_id}"
        for final in finals
        for name, collection in final.collections.items()
        for document_id in collection.documents
    }


def biography(history: History, finals: Sequence[FinalState], name: str) -> Iterator[str]:
    """Yield a line for each event of the document `COLLECTION/ID`, with its time in the run."""
    collection, _, document_id = name.partition("/")
    operations = [o for o in history.operations if concerns(o, collection, document_id)]
    events = [
        *_operations(history, operations, document_id),
        *_repeats(history, operations),
        *_samples(history, collection, document_id),
        *_faults(history),
    ]
    origin_ns = min((o.invoked_ns for o in history.operations), default=0)
    for at_ns, text in sorted(events, key=itemgetter(0)):
        yield f"{(at_ns - origin_ns) / 1e9:8.3f} s  {text}"
    for final in finals:
        held = final.collections.get(collection)
        document = held.documents.get(document_id) if held else None
        yield f"at rest     {final.instance} holds {document.metadata if document else 'nothing'}"


def concerns(operation: Operation, collection: str, document_id: str) -> bool:
    """Tell whether an operation may have touched the document, or have shown it."""
    if operation.collection != collection:
        return False
    if operation.kind is Kind.QUERY:
        return any(id_of(token) == document_id for token in operation.observed)
    if operation.addressing is Addressing.WHERE:
        return operation.file == file_of(document_id)
    return document_id in operation.ids


def _operations(
    history: History, operations: Sequence[Operation], document_id: str
) -> Iterator[Event]:
    rows = {row.transaction_id: row for row in history.observed(LogRow)}
    for operation in operations:
        tokens = operation.tokens if operation.kind.is_write else operation.observed
        token = next((each for each in tokens if id_of(each) == document_id), "nothing")
        what = f" {token}" if operation.tokens or not operation.kind.is_write else ""
        took = f"{(operation.completed_ns - operation.invoked_ns) / 1e6:.0f} ms"
        yield (
            operation.invoked_ns,
            f"{operation.name} {operation.kind} by {operation.addressing}{what}: "
            f"{operation.completion} after {took}, status {operation.http_status or 'none'} "
            f"{operation.error}".rstrip(),
        )
        if (row := rows.get(operation.transaction_id)) is not None:
            yield operation.invoked_ns, f"  {_entry(row)}"


def _entry(row: LogRow) -> str:
    outcome = f"outcome {row.status} at {row.settled_at}" if row.status else "no outcome"
    return (
        f"log entry {row.position}: {row.kind}, logged at {row.logged_at}, {outcome}, "
        f"{row.attempts} attempts, applied on {', '.join(row.applied_on) or 'no instance'}"
    )


def _repeats(history: History, operations: Sequence[Operation]) -> Iterator[Event]:
    names = {operation.name for operation in operations}
    for repeat in history.observed(Repeat):
        if repeat.repeats in names:
            answer = f"{repeat.status or 'none'} {repeat.body or repeat.error}"
            yield repeat.invoked_ns, f"{repeat.repeats} sent again: status {answer}"


def _samples(history: History, collection: str, document_id: str) -> Iterator[Event]:
    for sample in history.observed(InstanceSample):
        if sample.collection == collection and document_id in sample.changed:
            token = sample.changed[document_id] or "nothing"
            yield sample.answered_ns, f"{sample.instance} was seen to hold {token}"


def _faults(history: History) -> Iterator[Event]:
    for window in history.fault_windows.values():
        yield window.injected_ns, f"fault {window.fault} injected"
        if window.healed_ns:
            yield window.healed_ns, f"fault {window.fault} healed"
    for ending in server_endings(history):
        yield ending.alive_ns, f"{ending.server} ended by itself with {ending.ending}"
        if ending.answered_ns:
            yield ending.answered_ns, f"{ending.server} answered again"
