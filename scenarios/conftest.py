"""What the scenarios of one use case share, beyond the harness's pytest plugin.

A module names its `SCENARIO`, or several `CASES`; its tests then share one run for each.
"""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from harness.labs.base import Killable, Lab
from harness.runner.scenario import Scenario
from harness.runner.scenarios.registry import scenario_named
from harness.workloads.settings import WorkloadSettings
from scenarios.calls import to_lb
from scenarios.cases import Case

pytest_plugins = ["harness.pytest_plugin"]

pytest.register_assert_rewrite("scenarios.promises")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let chance have more time."""
    group = parser.getgroup("chroma-chaos")
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


@pytest_asyncio.fixture(loop_scope="module")
async def lb(lab: Lab) -> AsyncIterator[httpx.AsyncClient]:
    """Connect to the load balancer of a lab of ours; every test leaves all servers running."""
    if not isinstance(lab, Killable):
        pytest.skip(f"lab {lab.name} may hold somebody's data, which no single request risks")
    async with to_lb(lab) as client:
        yield client
    for target in lab.targets:
        if not lab.is_alive(target):
            await lab.restart(target)
