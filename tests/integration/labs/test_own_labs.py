"""What holds for every lab that starts its servers itself: of processes, and of containers."""

import asyncio
from collections.abc import Iterator

import asyncpg
import httpx
import psutil
import pytest

from harness.errors import LabError, UsageError
from harness.faults.probe import Came, look
from harness.labs.abilities import DoubleLb, Failing, InMemory
from harness.labs.base import Killable, Networked, Pausable
from harness.labs.own_servers import OwnServers
from harness.labs.process_tree import runs
from harness.runner.lab_choice import LabOptions, make_lab
from tests.integration.labs.containers import needs_containers

pytestmark = pytest.mark.real

TARGETS = ("primary", "replica", "postgres", "toxiproxy", "lb")
COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"
LABS = ["processes", pytest.param("compose", marks=needs_containers)]


def lab_of(kind: str, directory) -> OwnServers:
    lab = make_lab(LabOptions(lab=kind), directory)
    assert isinstance(lab, OwnServers)
    return lab


@pytest.fixture(scope="module", params=LABS)
def lab(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnServers]:
    """Share one running lab of each kind; a test leaves every server of it alive."""
    lab = lab_of(request.param, tmp_path_factory.mktemp(request.param) / "run")
    try:
        asyncio.run(lab.start())
        yield lab
    finally:
        asyncio.run(lab.stop())


def pid_of(lab: OwnServers, target: str) -> int:
    identity = lab.identity(target)
    assert identity is not None
    return identity.pid


async def create_collection(url: str, name: str) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{url}{COLLECTIONS}", json={"name": name})
        return str(answer.raise_for_status().json()["id"])


async def test_it_has_the_abilities_that_faults_ask_for(lab: OwnServers) -> None:
    for ability in (Killable, Pausable, Networked, DoubleLb, Failing, InMemory):
        assert isinstance(lab, ability), ability
    assert lab.targets == TARGETS


async def test_the_start_is_broken_down_by_server(lab: OwnServers) -> None:
    seconds = lab.startup_seconds
    assert set(seconds) == {*TARGETS, "all healthy"}
    assert max(seconds.values()) == seconds["all healthy"]


async def test_a_write_through_the_lb_is_read_directly_from_the_primary(lab: OwnServers) -> None:
    await create_collection(lab.lb_url, "through_the_lb")
    primary = lab.instances[0]
    async with httpx.AsyncClient(trust_env=False) as client:
        direct = await client.get(f"{primary.url}{COLLECTIONS}/through_the_lb")
    assert (primary.name, direct.status_code) == ("primary", 200)


async def test_each_server_is_reached_directly_and_through_its_proxy_elsewhere(
    lab: OwnServers,
) -> None:
    proxied = lab.proxied_urls()
    assert set(proxied) == {"primary", "replica", "postgres"}
    assert not set(proxied.values()) & set(lab.urls().values())
    for target, url in proxied.items():
        assert (await look(url)).came is Came.ANSWER
        assert (await look(lab.urls()[target])).came is Came.ANSWER


async def test_samples_name_every_server_and_its_cost(lab: OwnServers) -> None:
    samples = {sample.server: sample for sample in lab.samples()}
    assert set(samples) == set(TARGETS)
    assert all(sample.rss_bytes > 1_000_000 for sample in samples.values())
    assert samples["lb"].cpu_seconds > 0


@pytest.mark.parametrize("target", TARGETS)
async def test_a_killed_server_is_gone_and_comes_back_at_its_address(
    lab: OwnServers, target: str
) -> None:
    address, process = lab.urls()[target], psutil.Process(pid_of(lab, target))
    await lab.kill(target)
    assert not lab.is_alive(target)
    assert lab.ending(target) == "SIGKILL"
    assert not runs(process)
    assert target not in {sample.server for sample in lab.samples()}

    await lab.restart(target)
    assert lab.is_alive(target)
    assert lab.urls()[target] == address
    assert pid_of(lab, target) != process.pid


async def test_a_killed_instance_keeps_its_data(lab: OwnServers) -> None:
    replica = lab.instances[1]
    collection_id = await create_collection(replica.url, "survives")
    await lab.kill("replica")
    await lab.restart("replica")
    async with httpx.AsyncClient(trust_env=False) as client:
        found = await client.get(f"{replica.url}{COLLECTIONS}/survives")
    assert found.json()["id"] == collection_id


async def test_killed_postgres_recovers_what_it_committed(lab: OwnServers) -> None:
    url = lab.urls()["postgres"]
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE kept (value int)")
    await connection.execute("INSERT INTO kept VALUES (42)")
    children = psutil.Process(pid_of(lab, "postgres")).children(recursive=True)
    await lab.kill("postgres")
    connection.terminate()
    assert children
    assert not any(runs(child) for child in children)

    await lab.restart("postgres")
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT value FROM kept") == 42
    await connection.execute("DROP TABLE kept")
    await connection.close()
    assert "was not properly shut down" in lab.log_path("postgres").read_text()


async def test_postgres_keeps_its_durability_settings(lab: OwnServers) -> None:
    connection = await asyncpg.connect(lab.urls()["postgres"])
    settings = [
        await connection.fetchval(f"SHOW {name}")
        for name in ("fsync", "synchronous_commit", "full_page_writes")
    ]
    await connection.close()
    assert settings == ["on", "on", "on"]


async def test_killed_toxiproxy_comes_back_with_its_proxies(lab: OwnServers) -> None:
    await lab.kill("toxiproxy")
    assert (await look(lab.proxied_urls()["primary"])).came is not Came.ANSWER
    await lab.restart("toxiproxy")
    assert (await look(lab.proxied_urls()["primary"])).came is Came.ANSWER


async def test_an_unknown_target_is_answered_by_the_known_ones(lab: OwnServers) -> None:
    with pytest.raises(UsageError, match="primary, replica, postgres, toxiproxy, lb"):
        await lab.kill("tertiary")


async def test_a_second_lab_in_the_same_directory_is_refused(lab: OwnServers) -> None:
    other = lab_of(lab.name, lab.run_directory)
    with pytest.raises(LabError, match="used by another lab"):
        await other.start()
    assert all(lab.is_alive(target) for target in TARGETS)
