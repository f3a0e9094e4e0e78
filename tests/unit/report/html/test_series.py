"""The lines over time."""

from harness.model.cost import CostSample
from harness.model.operation import Completion
from harness.report.html.facts import RunFacts
from harness.report.html.series import backlog, memory, processor, rates
from tests.unit.checkers.histories import OLD, SECOND, add, history
from tests.unit.checkers.observed import log_sample, observed, says

HALF = SECOND // 2


def cost(second: float, server: str, megabytes: int, cpu_seconds: float) -> CostSample:
    return CostSample(
        at_ns=round(second * SECOND),
        server=server,
        rss_bytes=megabytes * 1_000_000,
        cpu_seconds=cpu_seconds,
    )


def test_an_operation_counts_in_the_bin_in_which_it_ended() -> None:
    ended = [
        (10, Completion.OK),
        (HALF - 2_000, Completion.OK),
        (HALF, Completion.INFO),
        (2 * HALF, Completion.FAIL),
    ]
    found = rates(RunFacts(history(*(add(OLD, 0, end, how) for end, how in ended))))
    assert found.bin_seconds == 0.5
    assert found.moments == (0.0, 0.5, 1.0)
    assert {line.name: line.values for line in found.lines} == {
        "ok": (4.0, 0.0, 0.0),
        "fail": (0.0, 0.0, 2.0),
        "info": (0.0, 2.0, 0.0),
    }


def test_a_long_run_has_wider_bins_not_more_of_them() -> None:
    found = rates(RunFacts(history(add(OLD, 0, 3600 * SECOND))))
    assert len(found.moments) <= 401
    assert sum(found.lines[0].values) * found.bin_seconds == 1


def test_the_backlog_is_that_of_the_log_where_it_can_be_read() -> None:
    word = says("/wal/status", {"pending_entries": 99}, 1)
    found = backlog(RunFacts(observed(log_sample(1, 9, primary=3), word, log_sample(2, 9))))
    assert found.moments == (1.01, 2.01)
    assert {line.name: line.values for line in found.lines} == {
        "primary": (3, 0),
        "replica": (0, 0),
    }


def test_else_it_is_what_the_lb_says() -> None:
    words = [
        says("/wal/status", {"pending_entries": {"primary": 4}}, 1),
        says("/wal/status", {"pending_entries": 5}, 2),
        says("/wal/status", {"other": 5}, 3),
    ]
    lines = backlog(RunFacts(observed(*words))).lines
    assert {line.name: line.values for line in lines} == {
        "primary": (4, None),
        "all instances": (None, 5),
    }


def test_memory_is_in_megabytes_and_a_server_that_was_away_has_a_hole() -> None:
    costs = (cost(0, "lb", 70, 0), cost(0, "primary", 45, 0), cost(1, "lb", 71, 0))
    found = memory(RunFacts(history(), costs=costs))
    assert {line.name: line.values for line in found.lines} == {
        "lb": (70, 71),
        "primary": (45, None),
    }


def test_processor_time_is_a_share_and_a_restart_is_no_negative_one() -> None:
    costs = (
        cost(0, "lb", 1, 1.0),
        cost(2, "lb", 1, 2.0),
        cost(3, "lb", 1, 0.1),
        cost(4, "lb", 1, 0.2),
    )
    found = processor(RunFacts(history(), costs=costs))
    assert found.moments == (2.0, 4.0)
    assert found.lines[0].values == (50.0, 10.0)
