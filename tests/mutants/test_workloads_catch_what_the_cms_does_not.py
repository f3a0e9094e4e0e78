"""Every workload is needed: it catches a fault that the CMS, which asks for less, never meets."""

import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from rich.console import Console

from harness.labs.base import Lab
from harness.labs.processes import ProcessLab, ProcessLabSettings
from harness.model.history import Limits
from harness.model.verdict import Outcome
from harness.report.progress import ConsoleProgress
from harness.runner.run import Run, RunResult, RunSettings
from harness.runner.run_directory import RunDirectory
from harness.runner.scenario import Phase, Scenario
from harness.workloads.settings import Addressing, WorkloadSettings

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]

BROKEN_LB = Path(__file__).with_name("broken_for_workloads.py")
# What a busy machine does to latencies is not judged here.
SHORT = Scenario(
    name="short",
    use_case="A few seconds without faults",
    promise="All is well.",
    phases=(Phase("short", 3.0),),
    limits=Limits(failed_operations=0, gap_seconds=None, converge_seconds=20.0),
)
BUSY = WorkloadSettings(operations_per_second=40.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broken_lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    path = tmp_path_factory.mktemp("broken")
    command = (sys.executable, str(BROKEN_LB))
    lab = ProcessLab(ProcessLabSettings(path, lb_command=command))
    try:
        await lab.start()
        yield lab
    finally:
        await lab.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sound_lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    lab = ProcessLab(ProcessLabSettings(tmp_path_factory.mktemp("sound")))
    try:
        await lab.start()
        yield lab
    finally:
        await lab.stop()


async def judged(lab: Lab, seed: int, workload: WorkloadSettings, path: Path) -> RunResult:
    directory = RunDirectory(path / "run")
    directory.create()
    settings = RunSettings(SHORT, seed, directory, workload)
    with ConsoleProgress(Console()) as progress:
        return await Run(settings, lab, progress).conduct()


def failed(result: RunResult) -> set[str]:
    return {v.checker for v in result.verdicts if v.outcome is Outcome.FAIL}


@pytest.mark.parametrize(
    ("seed", "name", "caught_by"),
    [
        (1, "register", {"linearizability"}),
        (2, "set", {"counts"}),
        (3, "counter", {"durability", "linearizability"}),
        (4, "lifecycle", {"resurrection"}),
        (5, "batch", {"durability"}),
    ],
)
async def test_a_workload_catches_what_is_broken_in_what_only_it_asks_for(
    broken_lab: Lab, tmp_path: Path, seed: int, name: str, caught_by: set[str]
) -> None:
    result = await judged(broken_lab, seed, replace(BUSY, name=name), tmp_path)
    assert caught_by <= failed(result), result.verdicts


async def test_the_cms_meets_none_of_these_faults(broken_lab: Lab, tmp_path: Path) -> None:
    result = await judged(broken_lab, 6, BUSY, tmp_path)
    assert result.outcome is Outcome.PASS, result.verdicts


async def test_a_sound_lb_passes_and_every_checker_examines_something(
    sound_lab: Lab, tmp_path: Path
) -> None:
    everything = replace(
        BUSY, name="mixed", addressing=Addressing.MIXED, skew=0.5, text_bytes=2000, dimensions=8
    )
    result = await judged(sound_lab, 7, everything, tmp_path)
    assert {v.checker: v.outcome for v in result.verdicts if v.outcome is not Outcome.PASS} == {}
    assert min(verdict.examined for verdict in result.verdicts) > 0
