from typing import Any

import msgspec
import pytest

from harness.checkers.transactions import check
from harness.model.final_state import FinalState
from harness.model.operation import Completion, Operation
from harness.model.verdict import Outcome, Verdict
from tests.unit.checkers.histories import NEW, OLD, add, created, delete, final, history, upsert
from tests.unit.checkers.observed import says

INFO = Completion.INFO
KNOWN = upsert("g/0@w", 2, 3)


def named(operation: Operation) -> Operation:
    return msgspec.structs.replace(operation, transaction_id=f"t/{operation.number}")


def judged(*operations: Operation, said: Any, status: int = 200, held: FinalState) -> Verdict:
    """Judge a run in which every operation was asked for, and all in doubt got the same answer."""
    named_ones = [named(operation) for operation in operations]
    answers = [says("/transactions/t%2F2", {"state": "COMPLETED"})]
    answers += [
        says(f"/transactions/t%2F{o.number}", said, 99, status=status)
        for o in named_ones
        if o.completion is INFO
    ]
    return check(history(created(), named(KNOWN), *named_ones, *answers), [held])


@pytest.mark.parametrize(
    ("state", "held"),
    [("COMPLETED", [OLD]), ("RECOVERED", [OLD]), ("FAILED", [])],
)
def test_a_write_in_doubt_that_ended_as_it_is_said_to_have_passes(
    state: str, held: list[str]
) -> None:
    verdict = judged(add(OLD, 4, 5, INFO), said={"state": state}, held=final("g/0@w", *held))
    assert verdict.outcome is Outcome.PASS
    assert verdict.figures == {
        "in_doubt": 1,
        "in_doubt.completed": state == "COMPLETED",
        f"in_doubt.{state.lower()}": 1,
    }


@pytest.mark.parametrize(
    ("state", "held"),
    [("COMPLETED", []), ("RECOVERED", []), ("FAILED", [OLD])],
)
def test_a_write_in_doubt_that_ended_otherwise_fails(state: str, held: list[str]) -> None:
    verdict = judged(add(OLD, 4, 5, INFO), said={"state": state}, held=final("g/0@w", *held))
    assert "contradicts what is held" in verdict.violations[0].message


def test_an_unknown_id_means_that_the_request_was_not_taken() -> None:
    doubted = add(OLD, 4, 5, INFO)
    absent = judged(doubted, said="{}", status=404, held=final("g/0@w"))
    present = judged(doubted, said="{}", status=404, held=final("g/0@w", OLD))
    assert (absent.outcome, present.outcome) == (Outcome.PASS, Outcome.FAIL)


def test_a_completed_write_may_have_happened_at_any_time_until_that_was_told() -> None:
    operations = (upsert(OLD, 4, 5, INFO), upsert(NEW, 6, 7))
    for held in (OLD, NEW):
        verdict = judged(*operations, said={"state": "RECOVERED"}, held=final("g/0@w", held))
        assert verdict.outcome is Outcome.PASS


def test_a_failed_delete_must_not_have_happened() -> None:
    operations = (upsert(OLD, 4, 5), delete(6, 7, INFO))
    assert judged(*operations, said={"state": "FAILED"}, held=final("g/0@w")).violations


@pytest.mark.parametrize("said", [{"state": "ATTEMPTING"}, {"state": "HAPPY"}, {}, "<html>", [1]])
def test_a_write_in_doubt_without_an_outcome_at_rest_fails(said: Any) -> None:
    verdict = judged(add(OLD, 4, 5, INFO), said=said, held=final("g/0@w"))
    assert verdict.outcome is Outcome.FAIL


def test_an_acknowledged_write_that_is_said_to_have_failed_fails() -> None:
    other = named(upsert("g/1@w", 8, 9))
    answers = [
        says("/transactions/t%2F2", {"state": "COMPLETED"}),
        says("/transactions/t%2F8", {"state": "FAILED"}),
    ]
    run = history(created(), named(KNOWN), other, *answers)
    verdict = check(run, [final("g/0@w", "g/1@w")])
    assert verdict.violations[0].message == "client-1#8 was acknowledged, and is said to be FAILED"


def test_an_lb_that_does_not_tell_of_an_acknowledged_write_does_not_offer_it() -> None:
    run = history(created(), named(KNOWN), says("/transactions/t%2F2", "{}", status=404))
    assert check(run, [final("g/0@w")]).outcome is Outcome.NOT_OFFERED


def test_having_asked_for_nothing_is_unknown() -> None:
    assert check(history(created(), named(KNOWN)), [final("g/0@w")]).outcome is Outcome.UNKNOWN
