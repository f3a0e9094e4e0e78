from typing import Any

import msgspec
import pytest

from harness.checkers.health_figures import PATH, check
from harness.model.observation import LbAnswer
from harness.model.verdict import Outcome
from tests.unit.checkers.observed import fault, observed, says


def shows(at: float, *healthy: str, number: int | None = None, at_rest: bool = False) -> LbAnswer:
    rows = [{"name": n, "healthy": n in healthy} for n in ("primary", "replica")]
    content = {"healthy_instances": len(healthy) if number is None else number, "instances": rows}
    return says(PATH, content, at, at_rest=at_rest)


BOTH = ("primary", "replica")
KILL = fault("kill", "primary", 20, 40)


def test_two_well_instances_that_are_shown_as_such_pass() -> None:
    verdict = check(observed(shows(15, *BOTH)), [])
    assert (verdict.outcome, verdict.examined) == (Outcome.PASS, 2)


def test_a_dead_instance_that_is_shown_as_unhealthy_passes() -> None:
    assert check(observed(shows(30, "replica"), KILL), []).outcome is Outcome.PASS


def test_an_instance_that_came_back_before_its_time_may_be_shown_as_healthy() -> None:
    back = msgspec.structs.replace(KILL, ended_early="it answered")
    assert check(observed(shows(30, *BOTH), back), []).violations == ()


def test_a_dead_instance_that_is_shown_as_healthy_after_the_time_to_notice_fails() -> None:
    verdict = check(observed(shows(30, *BOTH), KILL), [])
    assert verdict.violations[0].message == f"primary was cut off, and {PATH} showed it as healthy"


def test_an_administrators_word_that_status_does_not_show_fails() -> None:
    word = fault("force-down", "primary", 20, 40)
    shown = shows(30, "primary", "replica")
    assert check(observed(shown, word), []).outcome is Outcome.FAIL


@pytest.mark.parametrize("at", [22, 41], ids=["not noticed yet", "not trusted again yet"])
@pytest.mark.parametrize("healthy", [("replica",), BOTH])
def test_around_a_fault_either_is_allowed(at: float, healthy: tuple[str, ...]) -> None:
    assert check(observed(shows(at, *healthy), KILL), []).outcome is Outcome.PASS


def test_a_well_instance_may_be_doubted_for_a_moment_and_not_for_long() -> None:
    doubted = [shows(15 + n, "replica") for n in range(4)]
    assert check(observed(*doubted, shows(19, *BOTH)), []).outcome is Outcome.PASS
    wronged = check(observed(*doubted, shows(21, "replica")), [])
    assert wronged.violations[0].message == f"primary was well, and {PATH} showed it as unhealthy"


def test_at_rest_all_must_be_shown_as_healthy_however_soon_after_a_fault() -> None:
    for healthy, outcome in ((BOTH, Outcome.PASS), (("replica",), Outcome.FAIL)):
        verdict = check(observed(shows(41, *healthy, at_rest=True), KILL), [])
        assert verdict.outcome is outcome


def test_a_slow_instance_may_be_shown_as_either() -> None:
    slow = fault("latency", "primary", 20, 60)
    verdict = check(observed(*(shows(30 + n, "replica") for n in range(20)), slow), [])
    assert (verdict.outcome, verdict.examined) == (Outcome.PASS, 20)


def test_a_fault_that_was_not_seen_to_take_effect_proves_nothing() -> None:
    unseen = fault("kill", "primary", 20, 40, seen=False)
    assert check(observed(shows(30, *BOTH), unseen), []).outcome is Outcome.PASS


def test_a_disturbed_lb_may_know_nothing() -> None:
    both = (KILL, fault("pause", "lb", 25, 29, index=1))
    assert check(observed(shows(30, *BOTH), *both), []).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "content",
    [
        {"healthy_instances": 3},
        {"healthy_instances": "two"},
        {"healthy_instances": True},
        {"healthy_instances": 2, "instances": [{"name": "primary", "healthy": True}]},
        {"healthy_instances": 2, "instances": ["primary", "replica"]},
    ],
)
def test_figures_that_contradict_themselves_fail(content: Any) -> None:
    assert check(observed(says(PATH, content, 15)), []).outcome is Outcome.FAIL


def test_a_number_that_contradicts_the_list_fails() -> None:
    assert check(observed(shows(15, "replica", number=2)), []).outcome is Outcome.FAIL


def test_a_mere_number_is_taken_for_all_or_none() -> None:
    dead = check(observed(says(PATH, {"healthy_instances": 2}, 30), KILL), [])
    half = check(observed(says(PATH, {"healthy_instances": 1}, 30), KILL), [])
    assert (dead.outcome, half.outcome) == (Outcome.FAIL, Outcome.UNKNOWN)


def test_nonsense_after_a_sensible_answer_fails_and_nothing_else_is_not_offered() -> None:
    assert check(observed(shows(15, *BOTH), says(PATH, "<html>", 16)), []).violations
    assert check(observed(says(PATH, "<html>", 16)), []).outcome is Outcome.NOT_OFFERED
