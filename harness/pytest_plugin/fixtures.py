"""The fixtures of scenarios: a lab and one run for each module, which names its scenario.

The lab is a new one for every module: it starts in one to two seconds, and what a run leaves in a
load balancer (its log, what it believes of instances, what it set aside) cannot spoil the next.
"""

import secrets
import shlex
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import allure
import pytest
import pytest_asyncio
from rich.console import Console

from harness.cli.workload_options import words_of
from harness.labs.base import Lab
from harness.pytest_plugin.allure_run import AllureSteps, attach_run
from harness.pytest_plugin.cases import begin_case, note_result, noting
from harness.pytest_plugin.options import lab_options
from harness.report.progress import ConsoleProgress
from harness.runner.interruption import interruptible
from harness.runner.lab_choice import make_lab
from harness.runner.run import RunResult, RunSettings
from harness.runner.run_directory import RunDirectory, default_run_directory
from harness.runner.run_store import RunStore
from harness.runner.scenario import Scenario
from harness.runner.scenarios.registry import scenario_named
from harness.runner.session import record_run
from harness.workloads.settings import WorkloadSettings

_SEED_BITS = 31


@pytest.fixture(scope="module")
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """Find the scenario that the module names."""
    return scenario_named(request.module.SCENARIO)


@pytest.fixture(scope="module")
def workload() -> WorkloadSettings:
    """Say what clients do in the module's run."""
    return WorkloadSettings()


@pytest.fixture(scope="module")
def seed(pytestconfig: pytest.Config) -> int:
    """Take the seed that was said, or a new one for the module."""
    chosen = pytestconfig.getoption("--chaos-seed")
    return secrets.randbits(_SEED_BITS) if chosen is None else int(chosen)


@pytest.fixture
def our_own(pytestconfig: pytest.Config) -> None:
    """Skip a test of what another load balancer need not offer."""
    if not lab_options(pytestconfig).is_lb_our_own:
        pytest.skip("another load balancer is judged, which need not offer this")


@pytest.fixture(scope="module")
def run_directory(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    scenario: Scenario,
    seed: int,
) -> RunDirectory:
    """Make the directory of the module's run: a temporary one, or with --keep-runs one to keep."""
    if request.config.getoption("--keep-runs"):
        root = RunStore.from_environment().root
        path = default_run_directory(root, scenario.name, seed, datetime.now(UTC))
    else:
        path = tmp_path_factory.mktemp(f"{scenario.name}-{seed}-")
    directory = RunDirectory(path)
    directory.create()
    return directory


@pytest.fixture(scope="module")
def run_settings(
    request: pytest.FixtureRequest,
    scenario: Scenario,
    workload: WorkloadSettings,
    seed: int,
    run_directory: RunDirectory,
) -> RunSettings:
    """Say what is run, and which commands repeat it."""
    words = lab_options(request.config).words
    repeat = ("--seed", str(seed), *words_of(workload), *words)
    settings = RunSettings(scenario, seed, run_directory, workload, repeat)
    path = request.node.nodeid.partition("::")[0]
    again = shlex.join(["pytest", path, "--chaos-seed", str(seed), *words])
    begin_case(request.node, settings, again)
    return settings


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(
    request: pytest.FixtureRequest, scenario: Scenario, run_settings: RunSettings
) -> AsyncIterator[Lab]:
    """Keep a lab up from the first test of the module to its last; skip what it cannot do."""
    options = replace(
        lab_options(request.config), needs=scenario.needs, lb_environment=scenario.lb_environment
    )
    with noting(request.node):
        lab = make_lab(options, run_settings.directory.path)
    try:
        with noting(request.node):
            await lab.start()
            await scenario.refuse_unsupported(lab)
        yield lab
    finally:
        await lab.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def run(request: pytest.FixtureRequest, lab: Lab, run_settings: RunSettings) -> RunResult:
    """Conduct one run of the module's scenario; its seed and files are shown with a failure."""
    scenario, directory = run_settings.scenario, run_settings.directory
    configuration = lab_options(request.config).configuration
    console = Console()
    console.print(f"scenario {scenario.name}, seed {run_settings.seed}, files {directory.path}")
    with (
        allure.step(f"{scenario.name}, seed {run_settings.seed}: {scenario.promise}"),
        attach_run(directory),
        noting(request.node),
        ConsoleProgress(console) as progress,
        AllureSteps(progress) as steps,
    ):
        result = await interruptible(
            record_run(run_settings, lab, steps, configuration), progress.event
        )
    note_result(request.node, result)
    return result
