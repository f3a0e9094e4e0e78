import pytest

from harness.errors import UsageError
from harness.load.settings import LoadSettings
from harness.runner.load_scenario import load_scenario
from harness.runner.scenarios.registry import SCENARIOS

SPIKE = LoadSettings(shape="spike", users=20, seconds=30.0)


def test_a_load_without_faults_is_one_phase_in_which_nothing_fails() -> None:
    scenario = load_scenario(SPIKE, (), 7)
    assert [(phase.name, phase.seconds) for phase in scenario.phases] == [("load", 30.0)]
    assert scenario.faults == ()
    assert scenario.limits.failed_operations == 0
    assert scenario.limits.drain_seconds == 2.0


def test_a_scenario_brings_its_faults_at_its_times_and_its_promise() -> None:
    scenario = load_scenario(SPIKE, ("primary-down",), 7)
    (planned,) = scenario.phases[0].disruptions
    assert (planned.fault.name, planned.at_seconds, planned.seconds) == ("kill primary", 5.0, 10.0)
    assert [phase.seconds for phase in scenario.phases] == [15.0, 15.0]
    assert scenario.limits.failed_operations == 0
    assert scenario.needs == SCENARIOS["primary-down"].needs
    assert "kill primary" in scenario.promise


def test_faults_in_words_may_make_operations_fail_but_nothing_else() -> None:
    scenario = load_scenario(SPIKE, ("kill postgres at 2 for 5", "pause replica at 10 for 3"), 7)
    assert [fault.name for fault in scenario.faults] == ["kill postgres", "pause replica"]
    assert scenario.limits.failed_operations is None
    assert scenario.limits.drain_seconds == 2.0


@pytest.mark.parametrize("words", ["primary-down", "kill primary at 8 for 5"])
def test_faults_that_do_not_fit_into_the_load_are_refused(words: str) -> None:
    with pytest.raises(UsageError, match="--seconds"):
        load_scenario(LoadSettings(seconds=10.0), (words,), 7)
