"""A real lab around our load balancer, and a plain Chroma server to compare with."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from harness.labs.chroma import ChromaServer
from harness.labs.ports import PortReservations
from harness.labs.processes import ProcessLab, ProcessLabSettings
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace
from harness.parts.chroma import find_chroma
from tests.integration.lb.calls import eventually, is_quiet


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.real)
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProcessLab]:
    lab = ProcessLab(ProcessLabSettings(tmp_path_factory.mktemp("lab")))
    await lab.start()
    try:
        yield lab
    finally:
        await lab.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def lb(lab: ProcessLab) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the load balancer; every test leaves all servers alive and healthy."""
    async with httpx.AsyncClient(base_url=lab.lb_url, timeout=30) as client:
        yield client
        for target in lab.targets:
            if not lab.is_alive(target):
                await lab.restart(target)
        await eventually(lambda: is_quiet(client), "every instance is healthy and caught up")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one plain Chroma server that no load balancer knows."""
    workspace = Workspace.create(tmp_path_factory.mktemp("plain"))
    warden = Warden(workspace)
    warden.remove(workspace.data_directory)
    ports = PortReservations()
    server = ChromaServer("plain", find_chroma(), ports.reserve(), workspace, warden)
    try:
        await server.start(30)
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
            yield client
    finally:
        await server.process.stop(1)
        warden.dismiss()
        workspace.remove_data()
        ports.release()
