import pytest

from harness.errors import UsageError
from harness.runner.gap import FAILURES, failures_named, gap_scenario, gap_workload
from harness.runner.scenario import scheduled
from harness.workloads.settings import Addressing, Loop


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("kill", "kill replica"),
        ("pause", "pause replica"),
        ("blackhole", "black-hole replica"),
        ("reset", "reset replica"),
        ("slow", "latency replica 2000"),
    ],
)
def test_a_failure_lasts_from_the_baseline_to_the_recovery(kind: str, fault: str) -> None:
    scenario = gap_scenario(kind, "replica", 40.0, seed=1)
    assert [phase.name for phase in scenario.phases] == ["baseline", kind, "recovery"]
    (disruption,) = scenario.phases[1].disruptions
    assert (disruption.fault.name, disruption.at_seconds, disruption.seconds) == (fault, 0.0, 40.0)


def test_flapping_goes_on_for_all_of_the_time() -> None:
    disruptions = gap_scenario("flap", "primary", 12.0, seed=1).phases[1].disruptions
    assert {d.fault.name for d in disruptions} == {"kill primary"}
    assert [d.at_seconds for d in disruptions] == [0.0, 2.5, 5.0, 7.5, 10.0]
    assert {d.seconds for d in disruptions} == {1.0}


@pytest.mark.parametrize("kind", FAILURES)
def test_no_operation_may_fail_and_the_saved_schedule_does_the_same(kind: str) -> None:
    scenario = gap_scenario(kind, "primary", 40.0, seed=1)
    assert scenario.limits.failed_operations == 0
    assert scenario.schedule is not None
    again = scheduled(scenario.schedule)
    assert again.limits == scenario.limits
    assert [fault.name for fault in again.faults] == [fault.name for fault in scenario.faults]


def test_there_are_clients_enough_for_all_that_wait_until_they_lose_patience() -> None:
    workload = gap_workload(20.0, Addressing.MIXED)
    assert (workload.clients, workload.operations_per_second) == (200, 20.0)
    assert (workload.loop, workload.addressing) == (Loop.OPEN, Addressing.MIXED)


def test_kinds_of_failure_are_named_with_commas_and_come_once() -> None:
    assert failures_named("pause, kill,pause") == ("pause", "kill")


@pytest.mark.parametrize("words", ["melt", "", "kill,"])
def test_an_unknown_kind_of_failure_is_told_the_known_ones(words: str) -> None:
    with pytest.raises(UsageError, match="the kinds are kill, pause, blackhole, reset, slow, flap"):
        failures_named(words)
