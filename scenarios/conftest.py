"""The lab and the run that the scenarios of one use case share.

A module names its `SCENARIO`, or several `CASES`; its tests then share one run for each.
"""

import secrets
import shlex
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import allure
import httpx
import pytest
import pytest_asyncio
from rich.console import Console

from harness.errors import UnsupportedFaultError
from harness.labs.base import Killable, Lab
from harness.labs.processes import ProcessLab, ProcessLabSettings
from harness.report.progress import ConsoleProgress
from harness.runner.run import RunResult, RunSettings
from harness.runner.run_directory import RunDirectory
from harness.runner.scenario import Scenario
from harness.runner.scenarios.registry import scenario_named
from harness.runner.session import record_run
from harness.workloads.settings import WorkloadSettings
from scenarios.cases import Case

_SEED_BITS = 31

pytest.register_assert_rewrite("scenarios.promises")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run be repeated, and another load balancer be judged."""
    group = parser.getgroup("chroma-chaos")
    group.addoption("--chaos-seed", type=int, help="seed of every run; a new one by default")
    group.addoption("--chaos-lb-command", help="start this load balancer instead of our own")
    group.addoption(
        "--chaos-minutes", type=float, default=0.25, help="how long faults by chance go on"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let a module with several cases have all its tests for each of them."""
    cases = getattr(metafunc.module, "CASES", ())
    if cases and "case" in metafunc.fixturenames:
        metafunc.parametrize("case", cases, ids=str, indirect=True, scope="module")


@pytest.fixture(scope="module")
def case(request: pytest.FixtureRequest) -> Case:
    """Say what the module's run is about."""
    return getattr(request, "param", None) or Case(request.module.SCENARIO)


@pytest.fixture(scope="module")
def scenario(case: Case) -> Scenario:
    """Find the scenario that the module names."""
    return scenario_named(case.scenario)


@pytest.fixture(scope="module")
def workload(case: Case) -> WorkloadSettings:
    """Say what clients do in the module's run."""
    return case.workload


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
    settings = _lab_settings(run_directory.path, pytestconfig.getoption("--chaos-lb-command"))
    lab = ProcessLab(
        replace(settings, needs=scenario.needs, lb_environment=scenario.lb_environment)
    )
    try:
        await lab.start()
        yield lab
    finally:
        await lab.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def run(
    lab: Lab,
    scenario: Scenario,
    workload: WorkloadSettings,
    seed: int,
    run_directory: RunDirectory,
) -> RunResult:
    """Conduct one run of the module's scenario; its seed and files are shown with a failure."""
    settings = RunSettings(scenario, seed, run_directory, workload)
    console = Console()
    console.print(f"scenario {scenario.name}, seed {seed}, files {run_directory.path}")
    with (
        allure.step(f"{scenario.name}, seed {seed}: {scenario.promise}"),
        ConsoleProgress(console) as progress,
    ):
        try:
            result = await record_run(settings, lab, progress, {"lab": lab.name})
        except UnsupportedFaultError as error:
            pytest.skip(str(error))
    allure.attach.file(str(run_directory.summary), attachment_type=allure.attachment_type.TEXT)
    return result


@pytest_asyncio.fixture(loop_scope="module")
async def lb(lab: Lab) -> AsyncIterator[httpx.AsyncClient]:
    """Connect to the load balancer of a lab of ours; every test leaves all servers running."""
    if not isinstance(lab, Killable):
        pytest.skip(f"lab {lab.name} may hold somebody's data, which no single request risks")
    async with httpx.AsyncClient(base_url=lab.lb_url, timeout=30, trust_env=False) as client:
        yield client
    for target in lab.targets:
        if not lab.is_alive(target):
            await lab.restart(target)


def _lab_settings(path: Path, lb_command: str | None) -> ProcessLabSettings:
    if lb_command:
        return ProcessLabSettings(path, lb_command=tuple(shlex.split(lb_command)))
    return ProcessLabSettings(path)
