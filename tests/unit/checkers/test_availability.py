from harness.checkers.availability import check, longest_gap, percentile
from harness.model.history import STEADY_STATE, Limits
from harness.model.operation import Completion, Kind, Operation
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import SECOND, history, operation

OK, FAIL, INFO = Completion


def write(
    start: float,
    end: float,
    completion: Completion = OK,
    *,
    intended: float | None = None,
    process: str = "client-1",
) -> Operation:
    return operation(
        Kind.ADD,
        round(start * SECOND),
        round(end * SECOND),
        completion,
        intended=None if intended is None else round(intended * SECOND),
        process=process,
    )


def read(start: float, end: float, completion: Completion = OK) -> Operation:
    return operation(Kind.GET, round(start * SECOND), round(end * SECOND), completion)


def test_quick_successes_pass() -> None:
    verdict = check(history(write(0, 0.1), read(1, 1.2)), [])
    assert verdict.outcome is Outcome.PASS
    assert verdict.figures["acknowledged_writes"] == 1


def test_one_failed_operation_fails() -> None:
    verdict = check(history(write(0, 0.1), write(0.2, 0.3, FAIL), write(0.4, 0.5)), [])
    assert verdict.outcome is Outcome.FAIL
    assert verdict.figures["failed"] == 1


def test_an_operation_in_doubt_counts_as_failed_for_the_client() -> None:
    assert check(history(write(0, 0.1, INFO)), []).figures["failed"] == 1


def test_failures_within_the_limit_pass() -> None:
    limits = Limits(failed_operations=1)
    assert check(history(write(0, 0.1, FAIL), limits=limits), []).outcome is Outcome.PASS


def test_a_slow_success_is_a_gap() -> None:
    verdict = check(history(write(0, 1.5)), [])
    assert verdict.violations[0].message == "a client saw a gap of 1.500 s, the limit is 1 s"


def test_a_gap_runs_from_the_intended_start_of_a_held_up_operation() -> None:
    assert longest_gap([write(2, 2.1, intended=0.5)])[0] == 1.6


def test_a_gap_runs_from_a_failure_to_the_next_success_of_the_same_sort() -> None:
    gap, at = longest_gap([write(0, 0.1, FAIL), read(1, 1.1), write(2, 2.25)])
    assert gap == 2.25
    assert at.startswith("client-1#0: add in baseline, fail")


def test_a_success_of_another_client_does_not_end_a_gap() -> None:
    operations = [write(0, 0.1, FAIL), write(1, 1.1, process="client-2"), write(2, 2.5)]
    assert longest_gap(operations)[0] == 2.5


def test_a_gap_that_never_ended_runs_to_the_last_attempt() -> None:
    assert longest_gap([write(0, 0.1, FAIL), write(3, 4, FAIL)])[0] == 4.0


def test_idle_time_between_successes_is_no_gap() -> None:
    assert longest_gap([write(0, 0.1), write(9, 9.1)])[0] == 0.1


def test_operations_of_the_steady_state_are_not_counted() -> None:
    early = operation(Kind.ADD, 0, 9 * SECOND, FAIL, phase=STEADY_STATE)
    assert check(history(early), []).outcome is Outcome.UNKNOWN


def test_percentiles_are_given_for_each_phase_and_sort() -> None:
    figures = check(history(write(0, 0.1), write(1, 1.2), read(2, 2.3)), []).figures
    assert figures["baseline.write.p50_ms"] == 100.0
    assert figures["baseline.write.p99_ms"] == 200.0
    assert figures["baseline.read.count"] == 1


def test_a_percentile_is_the_nearest_rank() -> None:
    assert [percentile(range(1, 101), percent) for percent in (0, 50, 99, 100)] == [1, 50, 99, 100]


def test_failures_gaps_and_latencies_are_told_by_kind_and_addressing() -> None:
    run = history(write(0, 0.1), write(1, 1.1, INFO), write(2, 2.5), read(3, 3.2))
    figures = check(run, []).figures
    assert {name: value for name, value in figures.items() if name.startswith("add-by-ids")} == {
        "add-by-ids.failed": 1,
        "add-by-ids.gap_seconds": 1.5,
        "add-by-ids.count": 3,
        "add-by-ids.p50_ms": 100.0,
        "add-by-ids.p95_ms": 500.0,
        "add-by-ids.p99_ms": 500.0,
        "add-by-ids.max_ms": 500.0,
    }
    assert figures["get-by-ids.count"] == 1
    assert figures["baseline.write.p95_ms"] == figures["baseline.write.max_ms"] == 500.0
