from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkers.status_figures import PATH, check
from harness.model.history import SETTLED, History, Milestone
from harness.model.observation import LbAnswer, LogSample
from harness.model.verdict import Outcome
from tests.unit.checkers.observed import fault, log_sample, observed, says, silent


def figures(at: float, primary: Any = 0, replica: Any = 0, **others: Any) -> LbAnswer:
    return says(PATH, {"pending_entries": {"primary": primary, "replica": replica}, **others}, at)


def between(*answers: Any, faults: tuple[Any, ...] = ()) -> History:
    """20 and 30 entries logged, 5 and 9 of them pending on the primary; asked in between."""
    before = log_sample(1, 20, primary=5, oldest=2.0)
    after = log_sample(5, 30, primary=9, oldest=5.0)
    return observed(before, *answers, after, *faults)


@pytest.mark.parametrize("pending", [0, 5, 9, 15])
def test_a_count_that_was_true_at_some_moment_passes(pending: int) -> None:
    verdict = check(between(figures(3, pending)), [])
    assert verdict.outcome is Outcome.PASS
    assert verdict.figures == {"compared": 1}


def test_a_count_that_was_never_true_fails_and_shows_both_reads() -> None:
    verdict = check(between(figures(3, 16)), [])
    assert verdict.violations[0].message == (
        f"{PATH} said that 16 entries were pending (primary), when between 0 and 15 were"
    )
    assert len(verdict.violations[0].evidence) == 3


def test_hiding_what_is_pending_fails() -> None:
    run = observed(log_sample(1, 20, primary=15), figures(3), log_sample(5, 22, primary=17))
    assert "when between 15 and 17 were" in check(run, []).violations[0].message


def test_the_lb_may_learn_of_its_commits_a_moment_later() -> None:
    late = observed(
        log_sample(1, 20, primary=5),
        log_sample(2.9, 25, primary=0),
        figures(3, 5),
        log_sample(5, 25),
    )
    assert check(late, []).outcome is Outcome.PASS


def test_at_rest_figures_are_exact_however_soon_after_a_fault() -> None:
    for pending, outcome in ((0, Outcome.PASS), (1, Outcome.FAIL)):
        content = {"pending_entries": {"primary": pending, "replica": 0}}
        run = observed(
            fault("kill", "postgres", 1, 2),
            Milestone(name=SETTLED, at_ns=3),
            log_sample(3, 20, at_rest=True),
            says(PATH, content, 3.1, at_rest=True),
            log_sample(3.2, 20, at_rest=True),
        )
        assert check(run, []).outcome is outcome


def test_an_instance_that_joins_lanes_meanwhile_has_no_bounds() -> None:
    run = observed(log_sample(1, 20, lanes=1), figures(3, 50), log_sample(5, 22, lanes=3))
    assert check(run, []).outcome is Outcome.PASS


def test_one_count_for_all_instances_is_compared_with_their_sum() -> None:
    for pending, outcome in ((30, Outcome.PASS), (41, Outcome.FAIL)):
        answer = says(PATH, {"pending_entries": pending}, 3)
        run = observed(
            log_sample(1, 20, primary=15, replica=5), answer, log_sample(5, 30, primary=20)
        )
        assert check(run, []).outcome is outcome


@given(
    moments=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12),
    told=st.integers(0, 12),
    data=st.data(),
)
def test_whatever_is_logged_and_applied_meanwhile_the_truth_of_any_moment_passes(
    moments: list[tuple[int, int]], told: int, data: st.DataObject
) -> None:
    logged = pending = data.draw(st.integers(0, 9))
    truth = [(logged, pending)]
    for appended, applied in moments:
        logged += appended
        pending = max(0, pending + appended - applied)
        truth.append((logged, pending))
    said = truth[min(told, len(moments))][1]
    run = observed(log_sample(1, *truth[0]), figures(3, said), log_sample(5, *truth[-1]))
    assert check(run, []).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("age", "outcome"),
    [
        (4.0, Outcome.PASS),
        (3.0, Outcome.PASS),
        (60.0, Outcome.FAIL),
        (0.0, Outcome.FAIL),
        (-9.0, Outcome.FAIL),
        ("old", Outcome.FAIL),
    ],
)
def test_the_age_of_the_oldest_entry_lies_between_what_waited_before_and_after(
    age: Any, outcome: Outcome
) -> None:
    answer = figures(3, 5, oldest_pending_age_seconds=age)
    assert check(between(answer), []).outcome is outcome


@pytest.mark.parametrize(
    ("applied", "outcome"),
    [(35, Outcome.PASS), (51, Outcome.PASS), (34, Outcome.FAIL), (52, Outcome.FAIL), ("x", "fail")],
)
def test_applied_entries_are_counted_as_they_are_applied(applied: Any, outcome: str) -> None:
    answer = figures(3, 5, successful_syncs=applied)
    assert check(between(answer), []).outcome == outcome


def test_after_a_fault_of_an_instance_copies_are_not_counted_but_nothing_is_made_up() -> None:
    window = fault("kill", "primary", 0.5, 0.9)
    for applied, outcome in ((3, Outcome.PASS), (52, Outcome.FAIL)):
        answer = figures(3, 5, successful_syncs=applied)
        assert check(between(answer, faults=(window,)), []).outcome is outcome


def test_what_an_instance_applied_before_it_left_a_lane_may_count_still() -> None:
    window = fault("kill", "replica", 0.5, 4.5)
    for applied, outcome in ((50, Outcome.PASS), (61, Outcome.FAIL)):
        run = observed(
            log_sample(0.6, 20),
            log_sample(1, 20, replica=20),
            figures(3, 0, 0, successful_syncs=applied),
            log_sample(5, 30, replica=30, lanes=1),
            window,
        )
        told = [v.message for v in check(run, []).violations if "successful_syncs" in v.message]
        assert bool(told) == (outcome is Outcome.FAIL), (applied, told)


def test_a_count_since_the_start_that_falls_fails_unless_the_lb_was_disturbed() -> None:
    answers = (figures(3, 5, failed_syncs=2), figures(3.5, 5, failed_syncs=1))
    fell = check(between(*answers), [])
    assert fell.violations[0].message == f"failed_syncs of {PATH} went from 2 to 1"
    excused = check(between(*answers, faults=(fault("kill", "lb", 3.2, 3.3),)), [])
    assert excused.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("target", ["postgres", "lb", "something"])
def test_figures_of_a_disturbed_log_or_lb_are_left_out(target: str) -> None:
    run = between(figures(3, 999), faults=(fault("pause", target, 4, 4.5),))
    assert check(run, []).outcome is Outcome.UNKNOWN


def test_figures_while_an_instance_is_disturbed_are_judged() -> None:
    run = between(figures(3, 999), faults=(fault("kill", "primary", 2, 4.5),))
    assert check(run, []).outcome is Outcome.FAIL


@pytest.mark.parametrize("said", ["<html>", [], {"pending": 3}])
def test_nonsense_after_a_sensible_answer_fails(said: Any) -> None:
    assert check(between(figures(3, 5), says(PATH, said, 3.5)), []).outcome is Outcome.FAIL


def test_silence_is_no_lie() -> None:
    assert check(between(figures(3, 5), silent(PATH, 3.5)), []).outcome is Outcome.PASS


def test_without_figures_or_without_our_log_it_is_not_offered() -> None:
    assert check(between(says(PATH, "{}", 3, status=404)), []).outcome is Outcome.NOT_OFFERED
    assert check(observed(figures(3)), []).outcome is Outcome.NOT_OFFERED


def test_a_postgres_that_was_never_read_is_unknown_and_not_a_system_without_a_log() -> None:
    dark = LogSample(asked_ns=1, answered_ns=2, error="timed out")
    verdict = check(observed(dark, figures(3), dark), [])
    assert (verdict.outcome, verdict.reason) == (
        Outcome.UNKNOWN,
        "PostgreSQL was never read: timed out",
    )


def test_a_load_balancer_that_is_gone_is_unknown_and_not_one_without_the_endpoint() -> None:
    gone = LbAnswer(path=PATH, asked_ns=3, answered_ns=4, error="ConnectError('refused')")
    assert (
        check(observed(log_sample(1, 20), gone, log_sample(5, 22)), []).outcome is Outcome.UNKNOWN
    )
