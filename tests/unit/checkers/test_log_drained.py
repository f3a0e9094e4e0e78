from typing import Any

import msgspec
import pytest

from harness.checkers.log_drained import PATH, check
from harness.model.history import DRAINED as DRAINED_AT
from harness.model.history import Limits, Milestone
from harness.model.operation import Kind
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import NEW, SECOND, history, operation
from tests.unit.checkers.observed import log_sample, observed, says, silent

DRAINED = {"pending_entries": {"primary": 0, "replica": 0}, "unsettled_entries": 0}


def test_nothing_left_passes_by_the_lbs_word_and_by_the_log() -> None:
    verdict = check(observed(says(PATH, DRAINED, at_rest=True), log_sample(1, 9, at_rest=True)), [])
    assert verdict.outcome is Outcome.PASS
    assert verdict.examined == 2


@pytest.mark.parametrize(
    "said",
    [
        {**DRAINED, "pending_entries": {"primary": 0, "replica": 2}},
        {**DRAINED, "pending_entries": 3},
        {**DRAINED, "unsettled_entries": 1},
        {**DRAINED, "pending_entries": {"primary": "none"}},
        {**DRAINED, "pending_entries": {"primary": True}},
        {**DRAINED, "unsettled_entries": "x"},
        "<html>",
    ],
)
def test_anything_left_or_senseless_in_the_lbs_word_fails(said: Any) -> None:
    answers = (says(PATH, DRAINED), says(PATH, said, 1, at_rest=True))
    assert check(observed(*answers), []).outcome is Outcome.FAIL


def test_an_offered_figure_that_is_silent_at_rest_fails() -> None:
    answers = (says(PATH, DRAINED), silent(PATH, 1, at_rest=True))
    assert check(observed(*answers), []).outcome is Outcome.FAIL


def test_what_the_log_itself_holds_fails_whatever_the_lb_says() -> None:
    answer = says(PATH, DRAINED, at_rest=True)
    pending = check(observed(answer, log_sample(1, 9, replica=2, at_rest=True)), [])
    unsettled = check(observed(answer, log_sample(1, 9, unsettled=1, at_rest=True)), [])
    assert [v.message for v in pending.violations] == [
        "the log holds 2 entries that replica has not applied"
    ]
    assert [v.message for v in unsettled.violations] == [
        "the log holds 1 entries without an outcome"
    ]


def test_neither_an_answer_nor_a_log_is_not_offered_and_no_rest_is_unknown() -> None:
    foreign = observed(says(PATH, "{}", status=404, at_rest=True))
    assert check(foreign, []).outcome is Outcome.NOT_OFFERED
    assert check(observed(says(PATH, DRAINED)), []).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("drained_at", "outcome"), [(6, Outcome.PASS), (8, Outcome.FAIL), (None, Outcome.FAIL)]
)
def test_a_log_that_is_promised_to_be_drained_in_time_is_held_to_it(
    drained_at: int | None, outcome: Outcome
) -> None:
    records: list[Any] = [
        operation(Kind.UPSERT, 4 * SECOND, 5 * SECOND, tokens=[NEW]),
        says(PATH, DRAINED, 9, at_rest=True),
    ]
    if drained_at is not None:
        records.append(Milestone(name=DRAINED_AT, at_ns=drained_at * SECOND))
    assert check(history(*records, limits=Limits(drain_seconds=2.0)), []).outcome is outcome
    assert check(history(*records), []).outcome is Outcome.PASS


def test_where_others_write_too_what_is_pending_is_not_only_ours() -> None:
    seen = observed(says(PATH, {**DRAINED, "pending_entries": 3}, at_rest=True))
    seen.header = msgspec.structs.replace(seen.header, shared=True)
    assert check(seen, []).outcome is Outcome.NOT_OFFERED
