"""Use case 4: many users upload at once, and the load balancer has 400 MB."""

from collections.abc import AsyncIterator
from dataclasses import replace

import allure
import pytest
import pytest_asyncio

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
from harness.load.figures import documents_written, most_at_once, work_seconds
from harness.load.settings import LoadSettings, Upload
from harness.model.cost import read_costs
from harness.model.observation import ServerEnding
from harness.model.operation import Kind
from harness.model.verdict import Outcome
from harness.pytest_plugin.options import lab_options
from harness.runner.lab_choice import COMPOSE, REMOTE, make_lab
from harness.runner.load_scenario import load_scenario
from harness.runner.run import RunResult, RunSettings
from harness.runner.run_directory import RunDirectory
from harness.runner.scenario import Scenario
from harness.workloads.settings import WorkloadSettings

pytestmark = [pytest.mark.real, pytest.mark.alone, allure.epic("Use case 4, high load")]

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


@pytest.fixture(scope="module")
def workload() -> WorkloadSettings:
    """Say what locust's users do."""
    return WorkloadSettings(name=LOAD.traffic)


@pytest.fixture(scope="module")
def run_settings(run_settings: RunSettings) -> RunSettings:
    """Let locust's users work, not the clients of a run."""
    return replace(run_settings, load=LOAD)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(pytestconfig: pytest.Config, run_settings: RunSettings) -> AsyncIterator[Lab]:
    """Keep a lab up whose load balancer cannot have more, where the machine can limit it."""
    options = lab_options(pytestconfig)
    if options.lab == REMOTE:
        pytest.skip("users of a remote system are started by hand: `locust -f locustfiles/...`")
    if options.lab == COMPOSE or not why_no_memory_limits():
        options = replace(options, lb_memory_bytes=MEMORY_BYTES)
    lab = make_lab(options, run_settings.directory.path)
    try:
        await lab.start()
        yield lab
    finally:
        await lab.stop()


def test_collections_are_created_and_filled_by_all_users_at_the_same_time(run: RunResult) -> None:
    creates = [o for o in run.history.operations if o.kind is Kind.CREATE and o.process != "setup"]
    assert len({o.collection for o in creates}) == USERS
    # Locust's process may be interrupted for a moment while it sends them.
    assert most_at_once(creates) > USERS // 2
    filled = [o for o in run.history.operations if o.kind is Kind.ADD]
    ends = {o.process: o.completed_ns for o in filled}
    assert max(o.invoked_ns for o in creates) < min(ends.values())


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
