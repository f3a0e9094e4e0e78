from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from harness.errors import FaultError, LabError
from harness.labs.base import Lab
from harness.model.fault_window import FaultWindow
from harness.model.history import Header, HistoryWriter, Limits
from harness.report.standing import Standing
from harness.runner.nemesis import Nemesis
from tests.unit.faults.stand_ins import StandInFault, StandInLab


class SilentProgress:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def phase(self, name: str, seconds: float) -> None: ...

    def event(self, text: str) -> None:
        self.events.append(text)

    def tick(self, standing: Standing) -> None: ...


@pytest.fixture
def nemesis(tmp_path: Path) -> Iterator[Nemesis]:
    header = Header(scenario="test", seed=1, dimensions=4, prefix="AUTOTEST_", limits=Limits())
    clock = count(1)
    with HistoryWriter(tmp_path / "history.jsonl", header) as log:
        yield Nemesis(StandInLab(), log, SilentProgress(), lambda: next(clock))


def window(nemesis: Nemesis) -> FaultWindow:
    return nemesis.log.history.fault_windows[0]


async def test_a_fault_is_injected_seen_healed_and_seen_to_be_healed(nemesis: Nemesis) -> None:
    fault = StandInFault()
    async with nemesis.disrupt(0, fault):
        assert fault.steps == ["inject", "effect"]
        assert window(nemesis).took_effect
    assert fault.steps == ["inject", "effect", "heal", "healed"]
    assert window(nemesis) == FaultWindow(
        index=0,
        fault="stand-in fault",
        target="primary",
        injected_ns=1,
        effect_observed_ns=2,
        effect_evidence="effect was seen",
        healed_ns=3,
        heal_observed_ns=4,
        heal_evidence="healed was seen",
    )


async def test_a_fault_is_healed_when_the_run_fails_meanwhile(nemesis: Nemesis) -> None:
    fault = StandInFault()
    with pytest.raises(ZeroDivisionError):
        async with nemesis.disrupt(0, fault):
            raise ZeroDivisionError
    assert fault.steps[-1] == "heal"
    assert window(nemesis).healed_ns
    assert not window(nemesis).was_healed


async def test_an_effect_that_is_not_seen_is_recorded_and_the_run_goes_on(
    nemesis: Nemesis,
) -> None:
    fault = StandInFault(unproven=frozenset({"effect"}))
    async with nemesis.disrupt(0, fault):
        pass
    assert not window(nemesis).took_effect
    assert window(nemesis).was_healed


async def test_healing_that_is_not_seen_ends_the_run(nemesis: Nemesis) -> None:
    with pytest.raises(FaultError, match="healed was not seen"):
        async with nemesis.disrupt(0, StandInFault(unproven=frozenset({"healed"}))):
            pass
    assert not window(nemesis).was_healed


class StandInLastingFault(StandInFault):
    """A fault that is up until it is healed, unless `lasting` is among the unproven."""

    async def prove_lasting(self, lab: Lab) -> str:
        return self._prove("lasting")


async def test_a_fault_that_lasts_is_seen_once_more_before_it_is_healed(nemesis: Nemesis) -> None:
    fault = StandInLastingFault()
    async with nemesis.disrupt(0, fault):
        pass
    assert fault.steps == ["inject", "effect", "lasting", "heal", "healed"]
    assert window(nemesis).ended_early == ""


async def test_a_fault_that_is_over_before_its_time_is_recorded_and_the_run_goes_on(
    nemesis: Nemesis,
) -> None:
    async with nemesis.disrupt(0, StandInLastingFault(unproven=frozenset({"lasting"}))):
        pass
    assert window(nemesis).ended_early == "lasting was not seen"
    assert window(nemesis).took_effect
    assert window(nemesis).was_healed


async def test_what_was_never_seen_is_not_looked_for_again(nemesis: Nemesis) -> None:
    fault = StandInLastingFault(unproven=frozenset({"effect"}))
    async with nemesis.disrupt(0, fault):
        pass
    assert "lasting" not in fault.steps


class HardToHeal(StandInFault):
    """Its healing fails so many times."""

    failures = 0

    async def heal(self, lab: Lab) -> None:
        await super().heal(lab)
        if self.failures:
            self.failures -= 1
            raise LabError("primary ended at start\nthe log")


async def test_a_server_that_ends_while_it_is_started_is_healed_again(nemesis: Nemesis) -> None:
    fault = HardToHeal()
    fault.failures = 2
    async with nemesis.disrupt(0, fault):
        pass
    assert fault.steps == ["inject", "effect", "heal", "heal", "heal", "healed"]
    assert window(nemesis).was_healed


async def test_a_server_that_does_not_start_at_all_ends_the_run(nemesis: Nemesis) -> None:
    fault = HardToHeal()
    fault.failures = 100
    with pytest.raises(LabError):
        async with nemesis.disrupt(0, fault):
            pass
