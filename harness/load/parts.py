"""Owns how the histories of several load generators become one, in the order of time. Pure.

All on one machine share its monotonic clock, so their times can be compared; those of several
machines cannot, and no merging could tell which of two operations came first.
"""

from collections.abc import Iterable, Iterator

import msgspec

from harness.model.history import PHASE_STARTED, History, Milestone, phase_at
from harness.model.observation import Repeat
from harness.model.operation import Operation

LoadRecord = Operation | Repeat | Milestone


def merged(parts: Iterable[History]) -> Iterator[LoadRecord]:
    """Yield what happened in all parts, in the order in which it ended.

    Only the one who leads knows the phases: operations get theirs from its milestones.
    """
    records = [record for part in parts for record in _records(part)]
    records.sort(key=_at_ns)
    phases = [
        (record.at_ns, record.detail)
        for record in records
        if isinstance(record, Milestone) and record.name == PHASE_STARTED
    ]
    for record in records:
        if isinstance(record, Operation):
            phase = phase_at(phases, record.intended_ns)
            yield msgspec.structs.replace(record, phase=phase)
        else:
            yield record


def _records(part: History) -> list[LoadRecord]:
    return [*part.operations, *part.observed(Repeat), *part.milestones]


def _at_ns(record: LoadRecord) -> int:
    return record.at_ns if isinstance(record, Milestone) else record.completed_ns
