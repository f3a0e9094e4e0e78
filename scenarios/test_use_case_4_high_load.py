"""Use case 4: many users upload at once, and the load balancer has 400 MB."""

from collections.abc import AsyncIterator
from dataclasses import replace

import allure
import pytest
import pytest_asyncio
from rich.console import Console

from harness.checkers import (
    availability,
    convergence,
    durability,
    log_drained,
    phantom,
    resurrection,
)
from harness.labs.base import Lab
from harness.labs.memory import why_no_memory_limits
from harness.labs.processes import ProcessLab
from harness.load.figures import documents_written, work_seconds
from harness.load.settings import LoadSettings, Upload
from harness.model.cost import read_costs
from harness.model.observation import ServerEnding
from harness.model.operation import Kind
from harness.model.verdict import Outcome
from harness.report.load_table import print_load
from harness.report.progress import ConsoleProgress
from harness.runner.load_scenario import load_scenario
from harness.runner.run import RunResult, RunSettings
from harness.runner.run_directory import RunDirectory
from harness.runner.scenario import Scenario
from harness.runner.session import record_run
from harness.workloads.settings import WorkloadSettings
from scenarios.conftest import lab_settings

pytestmark = [pytest.mark.real, pytest.mark.alone, allure.feature("Use case 4, high load")]

USERS, DOCUMENTS = 10, 50
MOST_SECONDS = 3.0
MEMORY_BYTES = 400_000_000
LOAD = LoadSettings(
    traffic="upload", users=USERS, seconds=30.0, rate_per_user=0.0, upload=Upload(DOCUMENTS)
)


@pytest.fixture(scope="module")
def scenario(seed: int) -> Scenario:
    """Ten users, each of whom creates a collection and fills it, all at once."""
    return load_scenario(LOAD, (), seed)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(
    pytestconfig: pytest.Config, run_directory: RunDirectory
) -> AsyncIterator[ProcessLab]:
    """Keep a lab up whose load balancer cannot have more, where the machine can limit it."""
    settings = lab_settings(run_directory.path, pytestconfig.getoption("--chaos-lb-command"))
    if not why_no_memory_limits():
        settings = replace(settings, lb_memory_bytes=MEMORY_BYTES)
    lab = ProcessLab(settings)
    try:
        await lab.start()
        yield lab
    finally:
        await lab.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def run(lab: Lab, scenario: Scenario, seed: int, run_directory: RunDirectory) -> RunResult:
    """Let the users upload once; the figures are shown with a failure."""
    workload = WorkloadSettings(name=LOAD.traffic)
    settings = RunSettings(scenario, seed, run_directory, workload, load=LOAD)
    console = Console()
    with allure.step(f"seed {seed}: {scenario.promise}"), ConsoleProgress(console) as progress:
        result = await record_run(settings, lab, progress, {"lab": lab.name})
    print_load(console, result.history, read_costs(run_directory.samples))
    return result


def test_collections_are_created_and_filled_by_all_users_at_the_same_time(run: RunResult) -> None:
    creates = [o for o in run.history.operations if o.kind is Kind.CREATE and o.process != "setup"]
    assert len({o.collection for o in creates}) == USERS
    assert max(o.invoked_ns for o in creates) < min(o.completed_ns for o in creates)


def test_five_hundred_documents_are_written_in_three_seconds(run: RunResult) -> None:
    assert documents_written(run.history) == USERS * DOCUMENTS
    assert work_seconds(run.history) <= MOST_SECONDS


def test_no_operation_fails(run: RunResult) -> None:
    verdict = run.verdict(availability.NAME)
    assert verdict.figures["failed"] == 0, verdict.violations


@pytest.mark.parametrize(
    "name", [durability.NAME, resurrection.NAME, phantom.NAME, convergence.NAME]
)
def test_nothing_is_lost_resurrected_made_up_or_different(run: RunResult, name: str) -> None:
    verdict = run.verdict(name)
    assert verdict.outcome is Outcome.PASS, verdict


@pytest.mark.usefixtures("our_own")
def test_the_log_is_drained_within_two_seconds_of_the_last_operation(run: RunResult) -> None:
    verdict = run.verdict(log_drained.NAME)
    assert verdict.outcome is Outcome.PASS, verdict
    assert verdict.figures[log_drained.DRAIN_SECONDS] <= 2.0


def test_the_load_balancer_stays_inside_its_memory(
    run: RunResult, run_directory: RunDirectory
) -> None:
    costs = read_costs(run_directory.samples)
    measured = [cost.rss_bytes for cost in costs if cost.server == "lb"]
    assert measured
    assert max(measured) < MEMORY_BYTES
    assert not run.history.observed(ServerEnding)
