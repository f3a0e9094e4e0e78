import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from harness.checkers import faults
from harness.faults.base import Fault
from harness.labs.base import Capability, Lab
from harness.model.fault_window import FaultWindow
from harness.model.history import Header, HistoryWriter, Limits
from harness.model.verdict import Outcome
from harness.runner import triggered
from harness.runner.nemesis import Nemesis
from harness.runner.triggered import Triggered
from harness.triggers.base import Sighting
from tests.unit.faults.stand_ins import StandInFault, StandInLab
from tests.unit.runner.test_nemesis import SilentProgress


@dataclass
class StandInTrigger:
    """An event that comes at once, or never; notes its steps among those of the fault."""

    steps: list[str] = field(default_factory=list)
    comes: bool = True
    name: str = "stand-in event"
    needs: frozenset[Capability] = frozenset()

    async def refuse_unsupported(self, lab: Lab) -> None: ...

    @asynccontextmanager
    async def event(self, lab: Lab) -> AsyncIterator[Sighting]:
        if not self.comes:
            await asyncio.Event().wait()
        self.steps.append("stop")
        yield Sighting(7, "entry 3")
        self.steps.append("go on")


@pytest.fixture
def nemesis(tmp_path: Path) -> Iterator[Nemesis]:
    header = Header(
        scenario="test",
        seed=1,
        dimensions=4,
        prefix="AUTOTEST_",
        limits=Limits(),
        faults=("stand-in fault",),
    )
    clock = count(10)
    with HistoryWriter(tmp_path / "history.jsonl", header) as log:
        yield Nemesis(StandInLab(), log, SilentProgress(), lambda: next(clock))


def window(nemesis: Nemesis) -> FaultWindow:
    return nemesis.log.history.fault_windows[0]


def pair() -> tuple[Fault, StandInTrigger, list[str]]:
    steps: list[str] = []
    return StandInFault(steps=steps), StandInTrigger(steps=steps), steps


async def test_what_the_event_stopped_goes_on_only_after_the_injection(nemesis: Nemesis) -> None:
    fault, trigger, steps = pair()
    await Triggered(fault, trigger, 0, 0.0).disrupt(0, nemesis)
    assert steps == ["stop", "inject", "go on", "effect", "heal", "healed"]
    assert (window(nemesis).event_ns, window(nemesis).injected_ns) == (7, 10)
    assert window(nemesis).event == "entry 3"


async def test_with_an_offset_it_goes_on_first(nemesis: Nemesis) -> None:
    fault, trigger, steps = pair()
    await Triggered(fault, trigger, 1, 0.0).disrupt(0, nemesis)
    assert steps == ["stop", "go on", "inject", "effect", "heal", "healed"]
    assert (window(nemesis).event_ns, window(nemesis).injected_ns) == (10, 11)
    assert window(nemesis).offset_milliseconds == 1


async def test_without_the_event_nothing_is_injected_and_the_run_is_unknown(
    nemesis: Nemesis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triggered, "EVENT_SECONDS", 0.05)
    fault, trigger, steps = pair()
    trigger.comes = False
    await Triggered(fault, trigger, 0, 0.0).disrupt(0, nemesis)
    assert steps == []
    assert window(nemesis).injected_ns == 0
    verdict = faults.check(nemesis.log.history, ())
    assert verdict.outcome is Outcome.UNKNOWN
    assert "was not seen to take effect" in verdict.reason


async def test_what_the_event_stopped_goes_on_and_is_healed_when_the_injection_fails(
    nemesis: Nemesis,
) -> None:
    fault, trigger, steps = pair()

    async def fail(lab: Lab) -> None:
        raise ZeroDivisionError

    fault.inject = fail  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        await Triggered(fault, trigger, 0, 0.0).disrupt(0, nemesis)
    assert steps[0] == "stop"
    assert steps[-1] == "heal"
