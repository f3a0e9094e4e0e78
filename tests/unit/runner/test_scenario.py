import pytest

from harness.errors import UsageError
from harness.runner.scenario import SCENARIOS, scenario_named


def test_an_unknown_scenario_is_answered_with_the_valid_ones() -> None:
    with pytest.raises(UsageError, match="'chaos'; the scenarios are normal, primary-down"):
        scenario_named("chaos")


def test_a_scenario_is_found_by_its_name() -> None:
    assert all(scenario_named(name).name == name for name in SCENARIOS)


def test_every_fault_is_followed_by_a_phase_without_one() -> None:
    for scenario in SCENARIOS.values():
        for phase, following in zip(scenario.phases, scenario.phases[1:], strict=False):
            assert not (phase.fault and following.fault), scenario.name
        assert scenario.phases[-1].fault is None, scenario.name
