import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from harness.errors import HarnessError, LabError
from harness.labs.base import Capability
from harness.labs.process_tree import ProcessIdentity
from harness.model.history import Header, HistoryWriter, Limits
from harness.model.observation import ServerEnding
from harness.polling import poll_until
from harness.runner import supervisor
from harness.runner.nemesis import Nemesis
from harness.runner.supervisor import Supervisor
from tests.unit.faults.stand_ins import StandInFault, StandInLab
from tests.unit.runner.test_nemesis import SilentProgress


@dataclass
class MortalLab(StandInLab):
    """Its servers can end; `failing_starts` starts of each fail."""

    targets: tuple[str, ...] = ("primary", "toxiproxy", "lb")
    failing_starts: int = 0
    restarts: list[str] = field(default_factory=list)
    starts: Counter[str] = field(default_factory=Counter)

    def identity(self, target: str) -> ProcessIdentity | None:
        return ProcessIdentity(self.starts[target], 0.0)

    def ending(self, target: str) -> str:
        return "SIGSEGV"

    async def end(self, target: str) -> None: ...

    async def restart(self, target: str) -> None:
        self.restarts.append(target)
        if self.failing_starts:
            self.failing_starts -= 1
            raise LabError(f"{target} ended at start\nand this is its log")
        self.starts[target] += 1
        await super().restart(target)


@dataclass
class Bench:
    lab: MortalLab
    log: HistoryWriter
    supervisor: Supervisor
    progress: SilentProgress

    @property
    def endings(self) -> list[ServerEnding]:
        return self.log.history.observed(ServerEnding)

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        async def see() -> bool:
            return holds()

        await poll_until(see, 30, lambda: HarnessError(f"not seen: {what}; {self.endings}"))

    async def until_seen_alive(self) -> None:
        seen = self.supervisor._seen_alive
        await self.until(lambda: seen.keys() == {"primary", "lb"}, "all are alive")


@asynccontextmanager
async def supervised(path: Path, **lab_fields: int) -> AsyncIterator[Bench]:
    header = Header(scenario="test", seed=1, dimensions=4, prefix="AUTOTEST_", limits=Limits())
    over, clock, lab = asyncio.Event(), count(1), MortalLab(**lab_fields)
    await lab.start()
    with HistoryWriter(path / "history.jsonl", header) as log:
        progress = SilentProgress()
        watching = Supervisor(lab, log, progress, lambda: next(clock))
        bench = Bench(lab, log, watching, progress)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watching.watch(over))
            try:
                await bench.until_seen_alive()
                yield bench
            finally:
                over.set()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_LOOK_SECONDS", 0.001)
    monkeypatch.setattr(supervisor, "_DELAY_SECONDS", 0.001)


async def test_a_server_that_ended_by_itself_is_started_again_and_recorded(tmp_path: Path) -> None:
    async with supervised(tmp_path) as bench:
        bench.lab.alive.discard("primary")
        await bench.until(lambda: bool(bench.endings), "an ending")
        (ending,) = bench.endings
        assert (ending.server, ending.ending, ending.error) == ("primary", "SIGSEGV", "")
        assert 0 < ending.alive_ns < ending.answered_ns
        assert bench.lab.is_alive("primary")
        assert bench.progress.events == ["primary ended by itself with SIGSEGV; started again"]


async def test_a_start_that_fails_is_tried_again(tmp_path: Path) -> None:
    async with supervised(tmp_path, failing_starts=2) as bench:
        bench.lab.alive.discard("lb")
        await bench.until(lambda: bench.lab.is_alive("lb"), "a start")
        await bench.until(lambda: len(bench.endings) == 3, "three records")
        assert [e.error for e in bench.endings] == ["lb ended at start", "lb ended at start", ""]
        assert len({e.alive_ns for e in bench.endings}) == 1, "they are one ending"


async def test_what_a_fault_ended_is_left_to_its_healing(tmp_path: Path) -> None:
    async with supervised(tmp_path) as bench, bench.supervisor.custody(StandInFault()):
        await bench.lab.kill("primary")
        bench.lab.alive.discard("lb")
        await bench.until(lambda: "lb" in bench.lab.restarts, "the other one's start")
        assert bench.lab.restarts == ["lb"]


async def test_what_a_healing_did_not_start_is_not_started_in_its_place(tmp_path: Path) -> None:
    async with supervised(tmp_path) as bench:
        async with bench.supervisor.custody(StandInFault()):
            await bench.lab.kill("primary")
        bench.lab.alive.discard("lb")
        await bench.until(lambda: "lb" in bench.lab.restarts, "the other one's start")
        assert bench.lab.restarts == ["lb"]


async def test_what_ended_right_after_its_healing_is_started_again(tmp_path: Path) -> None:
    async with supervised(tmp_path) as bench:
        async with bench.supervisor.custody(StandInFault()):
            await bench.lab.kill("primary")
            await bench.lab.restart("primary")
            bench.lab.alive.discard("primary")
        await bench.until(lambda: bench.lab.is_alive("primary"), "a start")
        assert len(bench.endings) == 1


async def test_a_fault_of_the_network_leaves_the_process_to_the_supervisor(tmp_path: Path) -> None:
    fault = StandInFault(needs=frozenset({Capability.CUT}))
    async with supervised(tmp_path) as bench, bench.supervisor.custody(fault):
        bench.lab.alive.discard("primary")
        await bench.until(lambda: bool(bench.endings), "an ending")


async def test_a_fault_finds_its_target_alive_that_had_just_ended(tmp_path: Path) -> None:
    async with supervised(tmp_path) as bench:
        bench.lab.alive.discard("primary")
        async with bench.supervisor.custody(StandInFault()):
            assert bench.lab.is_alive("primary")
            assert [ending.server for ending in bench.endings] == ["primary"]


async def test_a_proxy_of_the_lab_is_not_started_again(tmp_path: Path) -> None:
    async with supervised(tmp_path) as bench:
        bench.lab.alive -= {"toxiproxy", "primary"}
        await bench.until(lambda: bool(bench.endings), "an ending")
        assert bench.lab.restarts == ["primary"]


async def test_the_nemesis_holds_its_target_until_it_has_healed_it(tmp_path: Path) -> None:
    async with supervised(tmp_path) as bench:
        lab, clock = bench.lab, bench.supervisor.clock
        nemesis = Nemesis(lab, bench.log, bench.progress, clock, bench.supervisor.custody)
        seen: list[bool] = []
        fault = StandInFault()

        async def heal(_: object) -> None:
            seen.append(bench.supervisor._turns["primary"].locked())

        fault.heal = heal  # type: ignore[method-assign]
        async with nemesis.disrupt(0, fault):
            seen.append(bench.supervisor._turns["primary"].locked())
        assert seen == [True, True]
        async with asyncio.timeout(30), bench.supervisor.custody(fault):
            pass
