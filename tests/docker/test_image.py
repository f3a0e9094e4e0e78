"""The load balancer's image: what it may do, how it ends, and what that costs clients: nothing."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from harness.checkers import (
    availability,
    convergence,
    durability,
    linearizability,
    phantom,
    resurrection,
)
from harness.faults.base import Fault
from harness.faults.kill import Kill
from harness.faults.stop import Stop
from harness.labs.compose import ComposeLab, ComposeLabSettings
from harness.load.figures import documents_written
from harness.load.settings import LoadSettings, Upload
from harness.model.history import Limits
from harness.model.operation import Completion
from harness.model.verdict import Outcome
from harness.runner.load_scenario import load_scenario
from harness.runner.run import RunSettings
from harness.runner.run_directory import RunDirectory
from harness.runner.scenario import Disruption, Phase, Scenario
from harness.runner.session import record_run
from harness.workloads.settings import WorkloadSettings
from tests.docker.compose_project import ROOT, ComposeProject, offline_images, run
from tests.integration.lb.calls import add, create, eventually, is_quiet
from tests.unit.runner.test_nemesis import SilentProgress

pytestmark = pytest.mark.real

MEMORY_BYTES = 400 << 20
RENDER_SECONDS = "30"
SILENT = ("primary", "replica", "postgres")
USERS, DOCUMENTS, DOCUMENTS_PER_REQUEST = 50, 200, 50
BUSY = WorkloadSettings(clients=12, operations_per_second=30.0)
PROMISES = (durability, resurrection, phantom, convergence, linearizability)


def test_it_runs_as_nobody_who_may_change_anything(project: ComposeProject) -> None:
    lb = project.inspect("lb")
    assert lb["HostConfig"]["ReadonlyRootfs"]
    assert lb["HostConfig"]["Memory"] == MEMORY_BYTES
    identity = run("docker", "exec", project.container("lb"), "id", "-u")
    assert identity.strip() == "10001"
    processes = run("docker", "top", project.container("lb"), "-eo", "pid,user,args")
    assert "chroma-lb" in processes
    assert lb["Config"]["User"] == "10001:10001"


def test_it_has_neither_the_harness_nor_a_compiler_nor_a_secret(project: ComposeProject) -> None:
    python = ("docker", "exec", project.container("lb"), "python", "-c")
    probe = "import importlib.util as u; print([n for n in %r if u.find_spec(n)])"
    assert run(*python, probe % ["harness", "locustfiles", "chromadb", "pytest"]).strip() == "[]"
    image = json.loads(run("docker", "inspect", project.inspect("lb")["Image"]))[0]
    names = {each.partition("=")[0] for each in image["Config"]["Env"]}
    assert not {name for name in names if "TOKEN" in name or "URL" in name or "PASSWORD" in name}


async def test_status_says_version_and_commit(project: ComposeProject) -> None:
    async with httpx.AsyncClient(base_url=project.urls["lb"]) as lb:
        status = (await lb.get("/status")).json()
    head = run("git", "-C", str(ROOT), "rev-parse", "HEAD").strip()
    assert status["commit"].removesuffix("-dirty") == head
    assert (
        status["version"]
        == run("docker", "exec", project.container("lb"), "chroma-lb", "--version").split()[-1]
    )


async def test_it_listens_where_its_platform_says_before_anything_else_is_there(
    project: ComposeProject,
) -> None:
    settings = {
        "PORT": "10000",
        "PRIMARY_URL": "http://primary.example.com",
        "REPLICA_URL": "http://replica.example.com",
        "DATABASE_URL": "postgresql://lb@127.0.0.1:1/lb",
    }
    words = [word for name, value in settings.items() for word in ("--env", f"{name}={value}")]
    name = f"{project.name}-alone"
    image = project.inspect("lb")["Image"]
    run("docker", "run", "--detach", "--name", name, "--read-only", *words, image)
    try:
        check = json.loads(run("docker", "inspect", image))[0]["Config"]["Healthcheck"]["Test"]

        async def is_healthy() -> bool:
            run("docker", "exec", name, *check[1:])
            return True

        await eventually(is_healthy, "its own health check is content")
        run("docker", "stop", name)
        assert run("docker", "wait", name).strip() == "0"
    finally:
        run("docker", "rm", "--force", name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(images: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ComposeLab]:
    """Share one lab of the harness with these images; a test leaves every server of it well."""
    with pytest.MonkeyPatch.context() as patch:
        for name, image in offline_images().items():
            patch.setenv(name, image)
        lab = ComposeLab(ComposeLabSettings(tmp_path_factory.mktemp("lab") / "lab"))
    try:
        await lab.start()
        yield lab
    finally:
        await lab.stop()


def ends(fault: Fault) -> Scenario:
    disruptions = tuple(Disruption(fault, at_seconds, 0.5) for at_seconds in (0.0, 3.0, 6.0))
    return Scenario(
        "lb-ends",
        "Use case 6, transaction safety",
        "The load balancer ends three times under load, and nothing acknowledged is lost.",
        (Phase("baseline", 2.0), Phase("ends", 9.0, disruptions), Phase("recovery", 3.0)),
        Limits(failed_operations=None, gap_seconds=None, converge_seconds=10.0),
    )


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("fault", "seed", "seen"),
    [(Kill("lb"), 7, "the process is gone"), (Stop("lb"), 8, "it ended with exit code 0;")],
    ids=["killed", "asked"],
)
async def test_an_end_under_load_loses_nothing_acknowledged(
    lab: ComposeLab, tmp_path: Path, fault: Fault, seed: int, seen: str
) -> None:
    directory = RunDirectory(tmp_path / "run")
    directory.create()
    settings = RunSettings(ends(fault), seed, directory, BUSY)
    result = await record_run(settings, lab, SilentProgress(), {})

    windows = result.history.fault_windows.values()
    assert [seen in window.effect_evidence for window in windows] == [True] * 3
    operations = result.history.operations
    acknowledged = [o for o in operations if o.kind.is_write and o.completion is Completion.OK]
    assert len(acknowledged) > 20
    assert any(o.completion is not Completion.OK for o in operations), "clients felt nothing of it"
    for checker in PROMISES:
        verdict = result.verdict(checker.NAME)
        assert verdict.outcome is Outcome.PASS, verdict


@pytest.mark.asyncio(loop_scope="module")
async def test_it_gets_by_with_its_memory_under_high_load(lab: ComposeLab, tmp_path: Path) -> None:
    before = lab.identity("lb")
    directory = RunDirectory(tmp_path / "run")
    directory.create()
    load = LoadSettings(
        traffic="upload",
        users=USERS,
        seconds=60.0,
        rate_per_user=0.0,
        upload=Upload(DOCUMENTS, DOCUMENTS_PER_REQUEST),
    )
    workload = WorkloadSettings(name=load.traffic)
    settings = RunSettings(load_scenario(load, (), 9), 9, directory, workload, load=load)
    result = await record_run(settings, lab, SilentProgress(), {})

    assert documents_written(result.history) == USERS * DOCUMENTS
    for checker in (availability, durability, resurrection, phantom, convergence):
        verdict = result.verdict(checker.NAME)
        assert verdict.outcome is Outcome.PASS, verdict
    assert lab.is_alive("lb")
    assert lab.identity("lb") == before, "it ended, and was started again"
    async with httpx.AsyncClient(base_url=lab.lb_url) as lb:
        assert (await lb.get("/status")).json()["memory"]["limit_bytes"] == MEMORY_BYTES


def test_more_memory_than_that_ends_a_process_of_the_image(project: ComposeProject) -> None:
    limit = ("--memory", "400m", "--memory-swap", "400m")
    image = project.inspect("lb")["Image"]
    greedy = ("python", "-c", "bytearray(b'x') * (500 << 20)")
    done = subprocess.run(["docker", "run", "--rm", *limit, image, *greedy], check=False)
    assert done.returncode == 137


async def test_it_ends_in_time_where_nothing_answers_any_more(project: ComposeProject) -> None:
    primary, replica, postgres, container = map(project.container, (*SILENT, "lb"))
    async with httpx.AsyncClient(base_url=project.urls["lb"], timeout=60.0) as lb:
        await create(lb, "silent")
        run("docker", "pause", primary, replica)
        write = asyncio.create_task(add(lb, "silent", "a"))
        try:

            async def is_under_way() -> bool:
                return (await lb.get("/status")).json()["requests"]["in_flight"] > 0

            await eventually(is_under_way, "a write is under way")
            run("docker", "pause", postgres)
            await asyncio.to_thread(run, "docker", "stop", "-t", RENDER_SECONDS, container)
            assert run("docker", "wait", container).strip() == "0"
        finally:
            await asyncio.gather(write, return_exceptions=True)
            for name in SILENT:
                if project.state(name)["Paused"]:
                    run("docker", "unpause", project.container(name))
        run("docker", "start", container)
        await eventually(lambda: is_quiet(lb), "all is well again")
