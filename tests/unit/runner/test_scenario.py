import pytest

from harness.errors import UsageError
from harness.labs.base import Capability, Need
from harness.model.schedule import Schedule, ScheduledFault
from harness.runner.scenario import schedule_of, scheduled
from harness.runner.scenarios.registry import SCENARIOS, scenario_named
from lb.config import Settings


def test_an_unknown_scenario_is_answered_with_the_valid_ones() -> None:
    with pytest.raises(UsageError, match=r"'chaos'; .* normal, primary-down, .*, random"):
        scenario_named("chaos")


def test_a_scenario_is_found_by_its_name() -> None:
    assert all(scenario_named(name).name == name for name in SCENARIOS)


def test_every_fault_is_followed_by_a_phase_without_one() -> None:
    for scenario in SCENARIOS.values():
        for phase, following in zip(scenario.phases, scenario.phases[1:], strict=False):
            assert not (phase.disruptions and following.disruptions), scenario.name
        assert not scenario.phases[-1].disruptions, scenario.name


def test_a_scenario_asks_for_what_its_tests_need_besides_its_faults() -> None:
    needs = scenario_named("replica-down").needs
    assert {Need(Capability.INTERCEPT, "primary"), Need(Capability.KILL, "replica")} <= needs


def test_what_scenarios_set_are_settings_of_our_load_balancer() -> None:
    names = {name for scenario in SCENARIOS.values() for name in scenario.lb_environment}
    assert names
    assert names <= {name.upper() for name in Settings.model_fields}


def test_a_schedule_becomes_a_scenario_with_its_faults_in_order_and_a_recovery() -> None:
    first = ScheduledFault(fault="kill primary", at_seconds=1.0, seconds=2.0)
    second = ScheduledFault(fault="latency replica 500", at_seconds=1.5, seconds=9.0)
    schedule = Schedule(seed=1, seconds=12.0, faults=(first, second))

    scenario = scheduled(schedule)

    assert [fault.name for fault in scenario.faults] == ["kill primary", "latency replica 500"]
    assert [(d.at_seconds, d.seconds) for d in scenario.phases[1].disruptions] == [
        (1.0, 2.0),
        (1.5, 9.0),
    ]
    assert scenario.phases[1].seconds == 12.0
    assert not scenario.phases[-1].disruptions
    assert scenario.schedule is schedule


def test_a_schedule_keeps_the_settings_that_its_scenario_has_for_the_load_balancer() -> None:
    for scenario in SCENARIOS.values():
        again = scheduled(schedule_of(scenario, seed=1))
        assert again.lb_environment == scenario.lb_environment


def test_what_is_no_setting_is_refused_before_the_run() -> None:
    schedule = Schedule(seed=1, seconds=1.0, faults=(), lb_environment=("LOG_MAX_ENTRIES",))
    with pytest.raises(UsageError, match="LOG_MAX_ENTRIES=20, not 'LOG_MAX_ENTRIES'"):
        scheduled(schedule)


def test_every_scenario_can_be_told_as_a_schedule_with_its_limits() -> None:
    scenario = scenario_named("primary-down")
    schedule = schedule_of(scenario, seed=7)
    assert schedule == Schedule(
        seed=7,
        seconds=20.0,
        faults=(ScheduledFault(fault="kill primary", at_seconds=5.0, seconds=10.0),),
        limits=scenario.limits,
    )
    assert scheduled(schedule).limits == scenario.limits
    assert schedule_of(scheduled(schedule), seed=8) is schedule


def test_a_schedule_in_which_faults_hide_one_another_is_refused() -> None:
    first = ScheduledFault(fault="kill primary", at_seconds=1.0, seconds=2.0)
    second = ScheduledFault(fault="cut primary", at_seconds=2.5, seconds=2.0)
    with pytest.raises(UsageError, match=r"kill primary \(1 to 3 s\) and cut primary"):
        scheduled(Schedule(seed=1, seconds=12.0, faults=(first, second)))
