"""The documented shell and JavaScript clients bring a write through a failure of all instances."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.integration.lb.calls import COLLECTIONS, create, eventually, ids_on_instances, is_quiet

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProcessLab]:
    """A lab whose load balancer tells clients to wait after a second."""
    command = ("env", "WRITE_TIMEOUT_SECONDS=1", sys.executable, "-m", "lb")
    lab = ProcessLab(ProcessLabSettings(tmp_path_factory.mktemp("lab"), lb_command=command))
    await lab.start()
    try:
        yield lab
    finally:
        await lab.stop()


async def run(command: list[str], *arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *command, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, out.decode().strip()


@pytest.mark.parametrize(
    ("program", "file", "needed"),
    [("sh", "submit.sh", "curl"), ("node", "submit.mjs", "node")],
    ids=["curl", "node"],
)
async def test_a_write_is_completed_after_all_instances_were_down(
    lb: httpx.AsyncClient, lab: ProcessLab, program: str, file: str, needed: str
) -> None:
    if shutil.which(needed) is None:
        pytest.skip(f"{needed} is not on this machine")
    command = [program, str(EXAMPLES / file), lab.lb_url]
    name, transaction = f"example-{program}", f"example-{program}-1"
    await create(lb, name)
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    await lab.kill("primary")
    await lab.kill("replica")
    path, body = f"{COLLECTIONS}/{name}/add", '{"ids":["a"],"embeddings":[[1,2]]}'
    running = asyncio.create_task(run(command, path, body, transaction))

    async def is_told_to_wait() -> bool:
        told = (await lb.get(f"/transactions/{transaction}")).json()
        return bool(told.get("told_to_wait"))

    await eventually(is_told_to_wait, "the client was told to wait")
    await lab.restart("primary")
    assert await running == (0, "201 {}")
    assert (await lb.get(f"/transactions/{transaction}")).json()["state"] == "RECOVERED"
    await lab.restart("replica")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    assert await ids_on_instances(lab, name) == {"primary": ["a"], "replica": ["a"]}
    refused = await run(command, path, '{"ids":["b"],"embeddings":[[1]]}')
    assert refused[0] == 1
    assert refused[1].startswith("400 ")
