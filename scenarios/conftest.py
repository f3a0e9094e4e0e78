"""The lab and the run that the scenarios of one use case share; each module names its scenario."""

import secrets
import shlex
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import allure
import pytest
import pytest_asyncio
from rich.console import Console

from harness.labs.base import Lab
from harness.labs.processes import ProcessLab, ProcessLabSettings
from harness.report.progress import ConsoleProgress
from harness.runner.run import RunResult, RunSettings
from harness.runner.run_directory import RunDirectory
from harness.runner.scenario import Scenario, scenario_named
from harness.runner.session import record_run

_SEED_BITS = 31


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run be repeated, and another load balancer be judged."""
    group = parser.getgroup("chroma-chaos")
    group.addoption("--chaos-seed", type=int, help="seed of every run; a new one by default")
    group.addoption("--chaos-lb-command", help="start this load balancer instead of our own")


@pytest.fixture(scope="module")
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """Find the scenario that the module names."""
    return scenario_named(request.module.SCENARIO)


@pytest.fixture(scope="module")
def seed(pytestconfig: pytest.Config) -> int:
    chosen = pytestconfig.getoption("--chaos-seed")
    return secrets.randbits(_SEED_BITS) if chosen is None else int(chosen)


@pytest.fixture
def our_own(pytestconfig: pytest.Config) -> None:
    """Skip a test of what another load balancer need not offer."""
    if pytestconfig.getoption("--chaos-lb-command"):
        pytest.skip("another load balancer is judged, which need not offer this")


@pytest.fixture(scope="module")
def run_directory(
    tmp_path_factory: pytest.TempPathFactory, scenario: Scenario, seed: int
) -> RunDirectory:
    directory = RunDirectory(tmp_path_factory.mktemp(f"{scenario.name}-{seed}-"))
    directory.create()
    return directory


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(
    pytestconfig: pytest.Config, run_directory: RunDirectory, scenario: Scenario
) -> AsyncIterator[Lab]:
    """Keep a lab up from the first test of the module to its last."""
    settings = lab_settings(run_directory.path, pytestconfig.getoption("--chaos-lb-command"))
    lab = ProcessLab(replace(settings, needs=scenario.needs))
    try:
        await lab.start()
        yield lab
    finally:
        await lab.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def run(lab: Lab, scenario: Scenario, seed: int, run_directory: RunDirectory) -> RunResult:
    """Conduct one run of the module's scenario; its seed and files are shown with a failure."""
    settings = RunSettings(scenario, seed, run_directory)
    console = Console()
    console.print(f"scenario {scenario.name}, seed {seed}, files {run_directory.path}")
    with (
        allure.step(f"{scenario.name}, seed {seed}: {scenario.promise}"),
        ConsoleProgress(console) as progress,
    ):
        result = await record_run(settings, lab, progress, {"lab": lab.name})
    allure.attach.file(str(run_directory.summary), attachment_type=allure.attachment_type.TEXT)
    return result


def lab_settings(path: Path, lb_command: str | None) -> ProcessLabSettings:
    """Say what lab to build for our own load balancer, or for another."""
    if lb_command:
        return ProcessLabSettings(path, lb_command=tuple(shlex.split(lb_command)))
    return ProcessLabSettings(path)
