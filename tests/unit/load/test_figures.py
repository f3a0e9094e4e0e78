import pytest

from harness.load.figures import (
    by_level,
    by_server,
    documents_written,
    knee,
    most_at_once,
    over_time,
    sustained,
)
from harness.load.figures import work_seconds as seconds_of
from harness.model.cost import CostSample
from harness.model.history import History
from harness.model.observation import LogSample
from harness.model.operation import Completion, Kind
from tests.unit.checkers.histories import SECOND, history, operation
from tests.unit.load.loads import answers, level, stopped, three_steps


def log(at: float, pending: int, age_seconds: float) -> LogSample:
    moment = round(at * SECOND)
    return LogSample(
        asked_ns=moment,
        answered_ns=moment,
        is_log=True,
        pending={"primary": 0, "replica": pending},
        oldest_pending_age_seconds=age_seconds,
    )


def test_each_level_has_its_users_rate_and_latencies() -> None:
    first, second, third = by_level(three_steps(), [])
    assert (first.span.name, first.users, first.operations) == ("1: 1 user", 1, 20)
    assert (first.rate, first.documents_per_second) == (20.0, 20.0)
    assert (second.p50_ms, second.p95_ms, second.mean_ms) == (12.0, 12.0, pytest.approx(12.0))
    assert (third.operations, third.rate) == (44, 22.0)


def test_the_knee_is_where_more_users_only_wait_longer() -> None:
    at = knee(by_level(three_steps(), []))
    assert at is not None
    assert at.span.name == "2: 2 users"


def test_one_level_has_no_knee() -> None:
    flat = history(level("1: 1 user", 0), *answers("1: 1 user", 0, 20, 10), stopped(1))
    assert knee(by_level(flat, [])) is None


def test_sustained_is_the_highest_rate_without_failures_and_delays() -> None:
    best = sustained(by_level(three_steps(), []))
    assert best is not None
    assert best.span.name == "2: 2 users"


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda made: made.operations.extend(answers("2: 2 users", 1, 3, 5, Completion.INFO)),
        lambda made: made.operations.extend(answers("2: 2 users", 1, 30, 1500)),
        lambda made: made.observations.append(log(1.5, 9, 2.5)),
    ],
    ids=["failed", "slow", "the log fell behind"],
)
def test_a_level_that_could_not_go_on_sustains_nothing(spoilt: object) -> None:
    made = history(
        level("1: 1 user", 0),
        level("2: 2 users", 1),
        *answers("1: 1 user", 0, 5, 10),
        *answers("2: 2 users", 1, 40, 12),
        stopped(4),
    )
    assert callable(spoilt)
    spoilt(made)
    best = sustained(by_level(made, []))
    assert best is not None
    assert best.span.name == "1: 1 user"


def test_memory_processor_time_and_backlog_are_those_of_their_level() -> None:
    made = three_steps()
    made.observations += [log(0.5, 3, 0.1), log(1.2, 7, 0.4), log(1.8, 5, 0.2)]
    costs = [
        CostSample(round(at * SECOND), server, rss, cpu)
        for at, server, rss, cpu in (
            (0.5, "lb", 70_000_000, 1.0),
            (1.0, "lb", 80_000_000, 1.1),
            (1.5, "lb", 90_000_000, 1.3),
            (1.5, "primary", 999_000_000, 9.0),
        )
    ]
    first, second, third = by_level(made, costs)
    assert (first.backlog, first.memory_mb, first.cpu) == (3, 70.0, None)
    assert (second.backlog, second.oldest_seconds, second.memory_mb) == (7, 0.4, 90.0)
    assert second.cpu == pytest.approx(0.4)
    assert (third.backlog, third.memory_mb) == (None, None)


def test_each_server_has_its_processor_time_per_operation_and_its_memory() -> None:
    costs = [
        CostSample(round(at * SECOND), server, rss, cpu)
        for at, server, rss, cpu in (
            (0.0, "lb", 70_000_000, 1.0),
            (2.0, "lb", 90_000_000, 1.52),
            (1.0, "primary", 50_000_000, 4.0),
            (2.0, "primary", 40_000_000, 0.5),
        )
    ]
    lb, primary = by_server(three_steps(), costs)
    assert (lb.server, lb.first_mb, lb.most_mb) == ("lb", 70.0, 90.0)
    assert lb.cpu == pytest.approx(0.26)
    assert lb.cpu_ms_per_operation == pytest.approx(0.26 * 4 / 104 * 1e3)
    assert (primary.cpu, primary.cpu_ms_per_operation) == (None, None)


def test_time_is_parted_evenly_whatever_the_levels() -> None:
    parts = over_time(three_steps(), [], 4)
    assert [part.span.seconds for part in parts] == [1.0] * 4
    assert sum(part.operations for part in parts) == 104


def test_a_history_without_users_has_no_figures() -> None:
    empty = history()
    assert (by_level(empty, []), over_time(empty, [], 10), seconds_of(empty)) == ([], [], 0.0)


def test_work_is_measured_from_the_first_request_to_the_last_acknowledged_write() -> None:
    made: History = history(
        level("1: 1 user", 0),
        *answers("1: 1 user", 1, 2, 100),
        operation(Kind.GET, 3 * SECOND, 4 * SECOND, ids=["f/0"], phase="1: 1 user"),
    )
    assert seconds_of(made) == pytest.approx(0.6)
    assert documents_written(made) == 2


@pytest.mark.parametrize(
    ("spans", "most"),
    [
        ([], 0),
        ([(0, 10)], 1),
        ([(0, 10), (10, 20)], 1),
        ([(0, 10), (5, 20), (9, 12), (30, 40)], 3),
    ],
)
def test_what_is_under_way_at_once_is_counted(spans: list[tuple[int, int]], most: int) -> None:
    assert most_at_once([operation(Kind.ADD, *span) for span in spans]) == most
