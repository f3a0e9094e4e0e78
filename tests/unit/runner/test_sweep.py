import msgspec
import pytest

from harness.errors import UsageError
from harness.labs.base import Capability, Need
from harness.model.schedule import ScheduledFault
from harness.runner.scenario import scheduled
from harness.runner.sweep import sweep


def test_a_sweep_has_a_phase_for_each_offset_that_waits_for_convergence() -> None:
    scenario = sweep("kill primary", "request-arrived primary add", (0, 5), 2.0, seed=1)
    _, first, second, _ = scenario.phases
    assert [phase.disruptions[0].offset_milliseconds for phase in (first, second)] == [0, 5]
    assert first.until_converged
    assert [trigger.name for trigger in scenario.triggers] == ["request-arrived primary add"] * 2
    assert Need(Capability.INTERCEPT, "primary") in scenario.needs


def test_a_sweep_is_saved_as_a_schedule_that_does_the_same() -> None:
    scenario = sweep("kill primary", "entry-visible", (0, 5), 2.0, seed=1)
    assert scenario.schedule is not None
    again = scheduled(scenario.schedule)
    assert [each.name for each in again.triggers] == ["entry-visible", "entry-visible"]
    assert [d.offset_milliseconds for d in again.phases[1].disruptions] == [0, 5]


def test_a_fault_without_a_trigger_is_written_and_read_as_ever() -> None:
    old = b'{"fault":"pause lb","at_seconds":0.5,"seconds":2.0}'
    fault = msgspec.json.decode(old, type=ScheduledFault)
    assert fault.trigger == ""
    assert msgspec.json.encode(fault) == old


@pytest.mark.parametrize("offsets", [(), (-1,), (0, 60_001)])
def test_offsets_that_make_no_sense_are_refused(offsets: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="milliseconds from 0 to 60000"):
        sweep("kill primary", "entry-visible", offsets, 2.0, seed=1)
