"""Judges that a write sent again under its transaction id gets its outcome, and happens once.

The other checkers take a repetition for nothing; here it is asked whether what they find would be
explained by one that had an effect of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

import msgspec

from harness.checkers.settled import misfits, place, settle, with_more, with_operations
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.observation import Repeat
from harness.model.operation import Completion, Operation
from harness.model.verdict import Verdict, Violation, decide, not_offered, unknown

NAME = "exactly-once"


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Compare each repetition's answer with the first one, and look for second effects."""
    repeats = history.observed(Repeat)
    if not repeats:
        if any(_may_be_repeated(operation) for operation in history.operations):
            return not_offered(NAME, "no answer carried the Transaction-ID of its request")
        return unknown(NAME, "there was nothing to repeat")
    operations = {operation.name: operation for operation in history.operations}
    pairs = [(operations[r.repeats], r) for r in repeats if r.repeats in operations]
    violations = [v for first, repeat in pairs for v in _other_answer(first, repeat)]
    violations += _second_effects(history, finals, pairs)
    violations += _missing_effects(history, finals, pairs)
    answered = sum(_is_success(repeat.status) for _, repeat in pairs)
    figures: dict[str, float] = {
        "repeats": len(pairs),
        "answered": answered,
        "of_writes_in_doubt": sum(o.completion is Completion.INFO for o, _ in pairs),
    }
    return decide(NAME, answered, violations, figures)


def _may_be_repeated(operation: Operation) -> bool:
    return operation.kind.is_write and operation.completion is Completion.OK


def _is_success(status: int) -> bool:
    return 200 <= status < 300


def _other_answer(first: Operation, repeat: Repeat) -> Iterator[Violation]:
    """Compare with the outcome of an acknowledged write; 5xx and silence say nothing."""
    if first.completion is not Completion.OK or repeat.status == 0 or repeat.status >= 500:
        return
    if (repeat.status, repeat.body) != (repeat.first_status, repeat.first_body):
        yield Violation(
            f"{first.name} sent again got another answer",
            (
                f"first: {repeat.first_status} {repeat.first_body}",
                f"again: {repeat.status} {repeat.body}",
            ),
        )


def _second_effects(
    history: History, finals: Sequence[FinalState], pairs: Sequence[tuple[Operation, Repeat]]
) -> Iterator[Violation]:
    """Find what misfits, and would not if repetitions were writes of their own."""
    numbers = count(max((o.number for o in history.operations), default=0) + 1)
    again = [_as_operation(first, repeat, next(numbers)) for first, repeat in pairs]
    explained = {place(case) for case in misfits(with_more(history, again), finals)}
    for case in misfits(history, finals):
        if place(case) not in explained:
            message = f"a write sent again happened twice: {case.subject}"
            yield Violation(message, (*case.evidence, *_repeats_of(pairs, case.held)))


def _missing_effects(
    history: History, finals: Sequence[FinalState], pairs: Sequence[tuple[Operation, Repeat]]
) -> Iterator[Violation]:
    """Find what misfits once the writes in doubt whose repetition succeeded count as done."""
    settled: Mapping[str, Operation] = {
        first.name: settle(first, Completion.OK, repeat.completed_ns)
        for first, repeat in pairs
        if first.completion is Completion.INFO and _is_success(repeat.status)
    }
    if not settled:
        return
    before = {place(case) for case in misfits(history, finals)}
    for case in misfits(with_operations(history, settled), finals):
        if place(case) not in before:
            message = "a write in doubt was acknowledged when sent again, and is lost: "
            yield Violation(message + case.subject, case.evidence)


def _as_operation(first: Operation, repeat: Repeat, number: int) -> Operation:
    return msgspec.structs.replace(
        first,
        number=number,
        completion=Completion.INFO,
        invoked_ns=repeat.invoked_ns,
        completed_ns=repeat.completed_ns,
    )


def _repeats_of(pairs: Sequence[tuple[Operation, Repeat]], token: str) -> Iterator[str]:
    for first, repeat in pairs:
        if token in first.tokens or (not token and not first.tokens):
            yield f"{first.name} was sent again and answered {repeat.status or repeat.error}"
