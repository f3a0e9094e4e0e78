"""Owns histories in which writes in doubt are settled by what became known of them later.

A write that is known to have happened may have done so at any time until that was told; one that
is known not to have happened never did. What then does not fit any more is the contradiction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec

from harness.checkers.cases import Case, cases
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.operation import Completion, Operation


def settle(operation: Operation, completion: Completion, known_ns: int) -> Operation:
    """Make of an operation in doubt what it turned out to be, at the moment when that was told."""
    return msgspec.structs.replace(
        operation, completion=completion, completed_ns=max(known_ns, operation.completed_ns)
    )


def with_operations(history: History, changed: Mapping[str, Operation]) -> History:
    """Put other operations in the place of those of the same name."""
    operations = [changed.get(each.name, each) for each in history.operations]
    return replace(history, operations=operations)


def with_more(history: History, more: Iterable[Operation]) -> History:
    """Add operations."""
    return replace(history, operations=[*history.operations, *more])


def misfits(history: History, finals: Sequence[FinalState]) -> Iterator[Case]:
    """Yield what instances hold and can not hold by this history."""
    return (case for case in cases(history, finals) if not case.fits)


def place(case: Case) -> tuple[str, str, str]:
    """Name a case in any history."""
    return case.instance, case.collection, case.document
