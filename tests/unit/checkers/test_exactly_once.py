import pytest

from harness.checkers.exactly_once import check
from harness.model.observation import Repeat
from harness.model.operation import Completion, Operation
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import NEW, OLD, add, created, delete, final, history, upsert

INFO = Completion.INFO


def again(
    first: Operation, start: int, status: int = 200, body: str = "{}", first_body: str = "{}"
) -> Repeat:
    return Repeat(
        repeats=first.name,
        process=first.process,
        transaction_id="t",
        invoked_ns=start,
        completed_ns=start + 1,
        first_status=200 if first.completion is Completion.OK else 503,
        first_body=first_body,
        status=status,
        body=body,
    )


ADDED = add(OLD, 2, 3)


def test_the_same_answer_and_no_second_effect_pass() -> None:
    run = history(created(), ADDED, delete(4, 5), again(ADDED, 6))
    assert check(run, [final()]).outcome is Outcome.PASS


@pytest.mark.parametrize(("status", "body"), [(201, "{}"), (409, "{}"), (200, '{"deleted":0}')])
def test_another_answer_fails(status: int, body: str) -> None:
    run = history(created(), ADDED, again(ADDED, 4, status, body))
    assert check(run, [final(OLD)]).violations[0].message == (
        "client-1#2 sent again got another answer"
    )


@pytest.mark.parametrize("status", [0, 503])
def test_no_answer_to_a_repetition_says_nothing(status: int) -> None:
    lost, answered = again(ADDED, 4, status, ""), again(ADDED, 6)
    assert check(history(created(), ADDED, lost, answered), [final(OLD)]).outcome is Outcome.PASS
    assert check(history(created(), ADDED, lost), [final(OLD)]).outcome is Outcome.UNKNOWN


def test_an_add_that_a_repetition_brought_back_after_a_delete_fails() -> None:
    run = history(created(), ADDED, delete(4, 5), again(ADDED, 6))
    verdict = check(run, [final(OLD)])
    assert verdict.violations[0].message == (
        "a write sent again happened twice: AUTOTEST_files/f/0 on primary"
    )


def test_a_delete_that_a_repetition_did_again_fails() -> None:
    gone = delete(4, 5)
    run = history(created(), ADDED, gone, upsert(NEW, 6, 7), again(gone, 8))
    assert check(run, [final()]).outcome is Outcome.FAIL
    assert check(run, [final(NEW)]).outcome is Outcome.PASS


def test_a_loss_that_no_repetition_explains_is_left_to_the_others() -> None:
    other = upsert("g/0@w", 4, 5)
    run = history(created(), ADDED, other, again(ADDED, 6))
    assert check(run, [final(OLD)]).outcome is Outcome.PASS


def test_a_write_in_doubt_that_is_acknowledged_when_repeated_must_be_there() -> None:
    doubted = add(OLD, 2, 3, INFO)
    run = history(created(), doubted, again(doubted, 4))
    assert check(run, [final(OLD)]).outcome is Outcome.PASS
    assert "is lost" in check(run, [final()]).violations[0].message


def test_without_repetitions_it_is_not_offered_or_there_was_nothing_to_repeat() -> None:
    assert check(history(created(), ADDED), [final(OLD)]).outcome is Outcome.NOT_OFFERED
    doubted = add(OLD, 2, 3, INFO)
    assert check(history(doubted), [final(OLD)]).outcome is Outcome.UNKNOWN
