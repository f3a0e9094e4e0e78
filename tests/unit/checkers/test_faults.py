import pytest

from harness.checkers.faults import check
from harness.model.fault_window import FaultWindow
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import history


def window(effect_observed_ns: int, heal_observed_ns: int, ended_early: str = "") -> FaultWindow:
    return FaultWindow(
        index=0,
        fault="kill primary",
        target="primary",
        injected_ns=1,
        effect_observed_ns=effect_observed_ns,
        ended_early=ended_early,
        heal_observed_ns=heal_observed_ns,
    )


def test_a_fault_seen_to_take_effect_and_to_heal_passes() -> None:
    assert check(history(window(2, 3), faults=("kill primary",)), []).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("windows", "reason"),
    [
        ([window(0, 3)], "kill primary was not seen to take effect"),
        ([window(2, 3, "it answered")], "kill primary was over early: it answered"),
        ([window(2, 0)], "kill primary was not seen to heal"),
        ([], "planned were ['kill primary'], done were []"),
    ],
)
def test_a_fault_that_was_not_seen_makes_the_run_unknown(
    windows: list[FaultWindow], reason: str
) -> None:
    verdict = check(history(*windows, faults=("kill primary",)), [])
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.reason == reason
