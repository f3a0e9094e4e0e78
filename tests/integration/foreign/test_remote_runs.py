"""A load balancer that is not ours, known only by its URLs: what it does offer is judged."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from harness.errors import UnsupportedFaultError
from harness.faults.base import needs_of, refuse_unsupported
from harness.faults.force_down import ForceDown
from harness.labs.processes import ProcessLab, ProcessLabSettings
from harness.labs.remote import RemoteLab, RemoteLabSettings
from harness.model.history import Limits
from harness.model.verdict import Outcome
from harness.runner.run import RunSettings
from harness.runner.run_directory import RunDirectory
from harness.runner.scenario import Phase, Scenario
from harness.runner.session import run_in_lab
from tests.integration.lb.calls import COLLECTIONS
from tests.unit.runner.test_nemesis import SilentProgress

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]

DUAL_WRITE = Path(__file__).parents[2] / "mutants" / "dual_write_lb.py"
DOWN = ForceDown("primary")
BRIEF = Scenario(
    "brief",
    "Use case 1, normal operation",
    "Nothing is lost.",
    (Phase("work", 2.0),),
    Limits(gap_seconds=None, converge_seconds=30.0),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProcessLab]:
    """A lab with a load balancer that writes to both instances, and has no other endpoint."""
    settings = ProcessLabSettings(
        tmp_path_factory.mktemp("foreign"),
        lb_command=(sys.executable, str(DUAL_WRITE)),
        needs=needs_of([DOWN]),
    )
    lab = ProcessLab(settings)
    await lab.start()
    yield lab
    await lab.stop()


def remote(own: ProcessLab, directory: Path) -> RemoteLab:
    urls = tuple(instance.url for instance in own.instances)
    return RemoteLab(RemoteLabSettings(directory, own.lb_url, urls))


async def test_forced_health_is_refused_with_what_its_endpoint_answered(
    own: ProcessLab, tmp_path: Path
) -> None:
    foreign = remote(own, tmp_path)
    await foreign.start()
    for lab in (own, foreign):
        with pytest.raises(UnsupportedFaultError, match="GET /admin/instances was answered 404"):
            refuse_unsupported(DOWN, lab)


async def test_a_run_passes_without_what_is_not_offered_and_leaves_nothing(
    own: ProcessLab, tmp_path: Path
) -> None:
    directory = RunDirectory(tmp_path / "run")
    directory.create()
    settings = RunSettings(BRIEF, 7, directory)
    result = await run_in_lab(settings, remote(own, tmp_path), SilentProgress(), {})
    assert result.outcome is Outcome.PASS, result.verdicts
    told = {
        verdict.checker for verdict in result.verdicts if verdict.outcome is Outcome.NOT_OFFERED
    }
    assert {"mappings", "log-drained", "health-figures", "transactions"} <= told
    for instance in own.instances:
        async with httpx.AsyncClient(base_url=instance.url) as http:
            assert (await http.get(COLLECTIONS)).json() == []
