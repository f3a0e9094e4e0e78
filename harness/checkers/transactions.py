"""Judges what the load balancer says became of writes in doubt, by what instances hold.

COMPLETED and RECOVERED mean applied, FAILED certainly not, and so does an id that is not known: the
request was not taken. At rest none may still be attempting.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from harness.checkers.answers import content_of, describe
from harness.checkers.settled import misfits, place, settle, with_operations
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.observation import LbAnswer
from harness.model.operation import Completion, Operation
from harness.model.verdict import Verdict, Violation, decide, not_offered, unknown

NAME = "transactions"
PATH = "/transactions"

_MEANING = {
    "COMPLETED": Completion.OK,
    "RECOVERED": Completion.OK,
    "FAILED": Completion.FAIL,
    "ATTEMPTING": Completion.INFO,
}
_NOT_TAKEN = "not taken"


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Settle the writes in doubt as they are said to have ended, and look for what then misfits."""
    answers = {a.path: a for a in history.observed(LbAnswer) if a.path.startswith(f"{PATH}/")}
    asked = [(o, answers[_path(o)]) for o in history.operations if _path(o) in answers]
    known = [pair for pair in asked if pair[0].completion is Completion.OK]
    if not known:
        return unknown(NAME, "no acknowledged write was asked for")
    if not any(content_of(answer).get("state") in _MEANING for _, answer in known):
        return not_offered(NAME, f"the load balancer does not tell: {describe(known[0][1])}")
    violations: list[Violation] = []
    settled: dict[str, Operation] = {}
    states: Counter[str] = Counter()
    for operation, answer in asked:
        state = _state(answer)
        states[state] += operation.completion is Completion.INFO
        wrong = _wrong(operation, state)
        if wrong:
            violations.append(Violation(f"{operation.name} {wrong}", (describe(answer),)))
        elif operation.completion is Completion.INFO:
            completion = _MEANING.get(state, Completion.FAIL)
            settled[operation.name] = settle(operation, completion, answer.answered_ns)
    violations += _contradictions(history, finals, settled)
    figures = {f"in_doubt.{state.lower()}": count for state, count in states.items()}
    return decide(NAME, len(asked), violations, {"in_doubt": len(settled), **figures})


def _path(operation: Operation) -> str:
    return f"{PATH}/{quote(operation.transaction_id, safe='')}"


def _state(answer: LbAnswer) -> str:
    if answer.status == 404:
        return _NOT_TAKEN
    state = content_of(answer).get("state")
    return state if isinstance(state, str) else ""


def _wrong(operation: Operation, state: str) -> str:
    """Say what is wrong with the state alone; empty when nothing is."""
    if state == "ATTEMPTING":
        return "is not resolved at rest"
    if state not in (*_MEANING, _NOT_TAKEN):
        return "was asked for, and the answer makes no sense"
    if operation.completion is Completion.OK and _MEANING.get(state) is not Completion.OK:
        return f"was acknowledged, and is said to be {state}"
    return ""


def _contradictions(
    history: History, finals: Sequence[FinalState], settled: Mapping[str, Operation]
) -> Iterator[Violation]:
    if not settled:
        return
    before = {place(case) for case in misfits(history, finals)}
    for case in misfits(with_operations(history, settled), finals):
        if place(case) not in before:
            message = f"what became of writes in doubt contradicts what is held: {case.subject}"
            said = (
                f"{name} is said to have {_said(operation)}"
                for name, operation in settled.items()
                if name in {effect.operation for effect in case.effects} or not case.effects
            )
            yield Violation(message, (*said, *case.evidence))


def _said(operation: Operation) -> str:
    return "happened" if operation.completion is Completion.OK else "not happened"
