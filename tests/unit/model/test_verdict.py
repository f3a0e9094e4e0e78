from itertools import product

import pytest

from harness.model.verdict import Outcome, Verdict, Violation, combine, decide

PASS, FAIL, UNKNOWN, NOT_OFFERED = Outcome


def verdict(outcome: Outcome) -> Verdict:
    return Verdict(checker="any", outcome=outcome)


@pytest.mark.parametrize("outcomes", list(product(Outcome, repeat=3)))
def test_any_fail_fails_and_any_unknown_forbids_a_pass_and_what_is_not_offered_does_not_count(
    outcomes: tuple[Outcome, ...],
) -> None:
    judged = set(outcomes) - {NOT_OFFERED}
    expected = FAIL if FAIL in judged else PASS if judged == {PASS} else UNKNOWN
    assert combine(map(verdict, outcomes)) is expected


def test_no_verdict_at_all_is_unknown() -> None:
    assert combine([]) is UNKNOWN


def test_having_examined_nothing_is_unknown() -> None:
    assert decide("any", 0, ()).outcome is UNKNOWN


def test_a_violation_fails_however_much_was_examined() -> None:
    assert decide("any", 0, [Violation("lost")]).outcome is FAIL
    assert decide("any", 9, [Violation("lost")]).outcome is FAIL


def test_something_examined_and_nothing_found_passes() -> None:
    assert decide("any", 1, ()).outcome is PASS
