"""Instances and PostgreSQL that come back as an older state of themselves, empty, or as others.

Disks are moved while their server is down; the load balancer is never told.
"""

import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.integration.lb.calls import add, create, eventually, ids_in, is_quiet
from tests.integration.lb.movable_log import (
    Log,
    check_ids_everywhere,
    check_is_refused,
    conflict,
    is_refused,
    lb_on,
)


@pytest_asyncio.fixture(loop_scope="module")
async def lab(tmp_path: Path) -> AsyncIterator[ProcessLab]:
    """A lab for each test: its disks are replaced."""
    lab = ProcessLab(ProcessLabSettings(tmp_path / "lab"))
    await lab.start()
    try:
        yield lab
    finally:
        await lab.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def client(lab: ProcessLab) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=lab.lb_url, timeout=60) as client:
        await eventually(lambda: is_quiet(client), "it serves")
        yield client


class Disks:
    """The disks of a lab's servers, each copied and replaced while its server is down."""

    def __init__(self, lab: ProcessLab, directory: Path) -> None:
        self._lab = lab
        self._data = directory / "lab" / "data"
        self._copies = directory / "copies"
        self._copies.mkdir()

    async def copy(self, server: str) -> None:
        await self._lab.kill(server)
        copy(self._data / server, self._copies / server)
        await self._lab.restart(server)

    async def put_back(self, server: str, seen_by: httpx.AsyncClient | None = None) -> None:
        """Replace it by its copy, at once or when the load balancer has seen the server down."""
        if self._lab.is_alive(server):
            await self._lab.kill(server)
        if seen_by is not None:

            async def is_down() -> bool:
                return await state_of(seen_by, server) == "DOWN"

            await eventually(is_down, f"{server} is seen to be down")
        shutil.rmtree(self._data / server)
        copy(self._copies / server, self._data / server)
        await self._lab.restart(server)

    async def empty(self, server: str) -> None:
        await self._lab.kill(server)
        shutil.rmtree(self._data / server)
        await self._lab.restart(server)


def copy(source: Path, target: Path) -> None:
    """Copy a directory with its owners: PostgreSQL may run as another user."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


async def state_of(client: httpx.AsyncClient, name: str) -> str:
    instances = (await client.get("/admin/instances")).json()["instances"]
    return next(str(each["state"]) for each in instances if each["name"] == name)


async def is_marked(client: httpx.AsyncClient) -> bool:
    """Tell whether all that was logged is in the mark of each instance."""
    status = (await client.get("/status")).json()
    marks = status["identity"]["marks"].values()
    return all(each["position"] == status["log"]["last_position"] for each in marks)


async def test_an_older_copy_of_an_instance_gets_new_copies_and_nobody_reads_from_it_before(
    client: httpx.AsyncClient, lab: ProcessLab, tmp_path: Path
) -> None:
    disks = Disks(lab, tmp_path)
    await create(client, "snapshot")
    await add(client, "snapshot", "a")
    await eventually(lambda: is_quiet(client), "both instances have it")
    await disks.copy("replica")
    await eventually(lambda: is_quiet(client), "the replica is back")
    await add(client, "snapshot", "b")
    await eventually(lambda: is_quiet(client), "both instances have it")
    await eventually(lambda: is_marked(client), "both instances have the mark")

    await disks.put_back("replica", client)

    async def is_copied() -> bool:
        assert await ids_in(client, "snapshot") == ["a", "b"], "a stale read"
        instances = (await client.get("/admin/instances")).json()["instances"]
        (replica,) = (each for each in instances if each["name"] == "replica")
        return bool(replica["rebuild"]["copied_collections"] == 1 and replica["state"] == "UP")

    await eventually(is_copied, "the replica has a new copy")
    await check_ids_everywhere(lab, "snapshot", "a", "b")


TENANT = "/api/v2/tenants/acme"


async def make_database(client: httpx.AsyncClient, name: str) -> None:
    made = await client.post(f"{TENANT}/databases", json={"name": name})
    assert made.is_success, made.text


async def databases_on(lab: ProcessLab, instance: str) -> set[str]:
    url = next(each.url for each in lab.instances if each.name == instance)
    async with httpx.AsyncClient(base_url=url, timeout=30) as direct:
        found = await direct.get(f"{TENANT}/databases")
        return {each["name"] for each in found.json()} if found.is_success else set()


@pytest.mark.parametrize("state", ["emptied", "older"])
async def test_an_instance_that_lost_databases_without_a_collection_gets_them_again(
    client: httpx.AsyncClient, lab: ProcessLab, tmp_path: Path, state: str
) -> None:
    disks = Disks(lab, tmp_path)
    assert (await client.post("/api/v2/tenants", json={"name": "acme"})).is_success
    await make_database(client, "dropped")
    inside = f"{TENANT}/databases/dropped/collections"
    assert (await client.post(inside, json={"name": "inside"})).is_success
    await eventually(lambda: is_quiet(client), "both instances have it")
    await disks.copy("replica")
    await eventually(lambda: is_quiet(client), "the replica is back")
    assert (await client.delete(f"{TENANT}/databases/dropped")).is_success
    await make_database(client, "empty")
    await eventually(lambda: is_quiet(client), "both instances have done it")
    await eventually(lambda: is_marked(client), "both instances have the mark")

    if state == "older":
        await disks.put_back("replica", client)
    else:
        await disks.empty("replica")

    async def is_restored() -> bool:
        return await databases_on(lab, "replica") == {"empty"}

    await eventually(is_restored, "the replica has the databases that there are", 20)
    inside = f"{TENANT}/databases/empty/collections"
    assert (await client.post(inside, json={"name": "first"})).is_success
    await eventually(lambda: is_quiet(client), "both instances have the collection")
    assert await databases_on(lab, "primary") == {"empty"}


async def test_older_copies_of_both_instances_are_used_for_nothing(
    client: httpx.AsyncClient, lab: ProcessLab, tmp_path: Path
) -> None:
    disks = Disks(lab, tmp_path)
    await create(client, "snapshots")
    await eventually(lambda: is_quiet(client), "both instances have it")
    for name in ("primary", "replica"):
        await disks.copy(name)
    await eventually(lambda: is_quiet(client), "they are back")
    await add(client, "snapshots", "a")
    await eventually(lambda: is_marked(client), "both instances have the mark")
    await lab.kill("primary")
    await disks.put_back("replica")

    async def is_replica_refused() -> bool:
        return await state_of(client, "replica") == "MISMATCHED"

    await eventually(is_replica_refused, "the replica is refused")
    await disks.put_back("primary")

    async def are_both_refused() -> bool:
        return await is_replica_refused() and await state_of(client, "primary") == "MISMATCHED"

    await eventually(are_both_refused, "both are refused")
    assert "older copies" in await conflict(client)
    await check_is_refused(client, "snapshots")


async def test_an_instance_of_another_system_is_left_alone_until_it_is_emptied(
    client: httpx.AsyncClient, lab: ProcessLab, tmp_path: Path
) -> None:
    disks, log = Disks(lab, tmp_path), Log(lab, tmp_path)
    await eventually(lambda: is_marked(client), "the replica belongs to the first system")
    await disks.copy("replica")
    await lab.kill("lb")
    for name in ("primary", "replica"):
        await disks.empty(name)
    await log.begin_anew()
    async with lb_on(log, lab) as second:
        await create(second, "ours")
        await add(second, "ours", "a")
        await eventually(lambda: is_quiet(second), "both instances have it")

        await disks.put_back("replica")

        async def is_replica_refused() -> bool:
            return await state_of(second, "replica") == "MISMATCHED"

        await eventually(is_replica_refused, "the stranger is refused")
        assert await conflict(second) == ""
        assert (await add(second, "ours", "b")).status_code == 201
        assert await ids_in(second, "ours") == ["a", "b"]

        await disks.empty("replica")
        await eventually(lambda: is_quiet(second), "the emptied one has copies")
    await check_ids_everywhere(lab, "ours", "a", "b")


async def test_a_postgres_that_lost_commits_ends_the_load_balancer_and_is_not_used_again(
    client: httpx.AsyncClient, lab: ProcessLab, tmp_path: Path
) -> None:
    """As when a standby takes over that was behind."""
    disks, log = Disks(lab, tmp_path), Log(lab, tmp_path)
    await create(client, "failed-over")
    await disks.copy("postgres")

    async def is_logged() -> bool:
        return (await add(client, "failed-over", "a")).status_code == 201

    await eventually(is_logged, "the log is back")
    await disks.put_back("postgres")

    async def has_ended() -> bool:
        return not lab.is_alive("lb")

    await eventually(has_ended, "the load balancer ends")
    assert "PostgreSQL has lost commits" in lab.log_path("lb").read_text()
    async with lb_on(log, lab, end=signal.SIGKILL, until=is_refused) as second:
        assert "set back" in await conflict(second)
        await check_is_refused(second, "failed-over")
