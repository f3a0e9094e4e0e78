"""Instances are added to a running system, and taken away, by its settings alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio

from harness.labs.ports import PortReservations
from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.integration.lb.calls import (
    COLLECTIONS,
    add,
    create,
    eventually,
    ids_on_instances,
    is_healthy,
    is_quiet,
)
from tests.integration.lb.test_adoption import made_directly
from tests.integration.lb.test_namespaces import DATABASES, fill, make_database, on_instances
from tests.integration.lb.test_start import another_lb, environment
from tests.integration.lb.writers import Writer, assert_equal, contents, seeded, writing


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProcessLab]:
    settings = ProcessLabSettings(tmp_path_factory.mktemp("lab"), instance_count=3)
    lab = ProcessLab(settings)
    await lab.start()
    await lab.kill("lb")
    try:
        yield lab
    finally:
        await lab.stop()


@asynccontextmanager
async def lb_over(lab: ProcessLab, *names: str) -> AsyncIterator[httpx.AsyncClient]:
    """A load balancer that knows some of the instances; it is ended without warning."""
    ports = PortReservations()
    port = str(ports.reserve())
    urls = lab.urls()
    replicas = ",".join(urls[name] for name in names[1:])
    env = environment(lab, PORT=port, REPLICA_URLS=replicas)
    url = f"http://127.0.0.1:{port}"
    try:
        async with another_lb(env), httpx.AsyncClient(base_url=url, timeout=30) as client:
            yield client
    finally:
        ports.release()


async def knows_all(lb: httpx.AsyncClient, count: int) -> bool:
    mappings = (await lb.get("/collection/mappings")).json()["mappings"]
    return await is_healthy(lb) and all(
        each["complete"] and len(each["uuids"]) == count for each in mappings
    )


async def test_a_third_instance_gets_everything_while_clients_go_on(lab: ProcessLab) -> None:
    two, three = ("primary", "replica"), ("primary", "replica", "replica-2")
    async with lb_over(lab, *two) as lb:
        await eventually(lambda: is_quiet(lb), "it is active", 60)
        await seeded(lb, "grown", 2500)
        await create(lb, "empty")
        await make_database(lb, "extra")
        await fill(lb, "extra", "inside", "a", "b")
        await make_database(lb, "ended")
        await fill(lb, "ended", "inside", "a")
        assert (await lb.delete(f"{DATABASES}/ended")).status_code == 200
        await eventually(lambda: is_quiet(lb), "two are equal", 30)
    async with lb_over(lab, *three) as lb:
        await eventually(lambda: answers(lb), "it is active", 60)
        writer = Writer(lb, "grown", 1, 2500)
        async with writing(writer):
            await create(lb, "born-with-three")
            listed = {each["name"] for each in (await lb.get(COLLECTIONS)).json()}
            assert listed == {"grown", "empty", "born-with-three"}
            await eventually(lambda: knows_all(lb, 3), "the third has everything", 60)
        await eventually(lambda: is_quiet(lb), "the rest is applied", 30)
        assert writer.failed == 0
        await assert_equal(lab, "grown", "empty", "born-with-three")
        third = (await on_instances(lab))[2]
        assert third["extra"] == {"inside": ["a", "b"]}
        assert "ended" not in third
    async with lb_over(lab, *two) as lb:
        await eventually(lambda: knows_all(lb, 2), "it is active without the third", 60)
        assert (await lb.delete(f"{COLLECTIONS}/empty")).status_code == 200
        assert (await lb.delete(f"{DATABASES}/extra")).status_code == 200
        await make_database(lb, "extra")
        await fill(lb, "extra", "anew", "c")
        await eventually(lambda: is_quiet(lb), "the drop is applied", 20)
        await Writer(lb, "grown", 2, 2500).write()
    async with lb_over(lab, *three) as lb:
        await eventually(lambda: knows_all(lb, 3), "the third has everything again", 60)
        await assert_equal(lab, "grown", "born-with-three")
        for each in lab.instances:
            async with httpx.AsyncClient(base_url=each.url) as direct:
                names = sorted(each["name"] for each in (await direct.get(COLLECTIONS)).json())
                assert names == ["born-with-three", "grown"]
        assert (await on_instances(lab))[2]["extra"] == {"anew": ["c"]}


async def answers(lb: httpx.AsyncClient) -> bool:
    return (await lb.get("/status")).json()["role"] == "active"


async def test_an_instance_that_alone_has_a_collection_cannot_be_taken_away(
    lab: ProcessLab,
) -> None:
    """Only the third one serves when a collection is made by hand from it."""
    async with httpx.AsyncClient(base_url=lab.instances[2].url, timeout=30) as direct:
        await create(direct, "only-here")
    async with lb_over(lab, "primary", "replica", "replica-2") as lb:
        await eventually(lambda: is_quiet(lb), "it is active", 60)
        for name in ("primary", "replica"):
            body = {"healthy": False, "duration_seconds": 600}
            await lb.post(f"/admin/instances/{name}/health", json=body)
        answer = await lb.post("/admin/collections/only-here/repair")
        assert answer.status_code == 202, answer.text
        assert answer.json()["copied_to"] == ["primary", "replica"]
    env = environment(lab, PORT="0")
    ports = PortReservations()
    env["PORT"] = str(ports.reserve())
    async with another_lb(env) as process:
        async with asyncio.timeout(20):
            _, err = await process.communicate()
    ports.release()
    assert process.returncode == 1
    assert "collection only-here" in err.decode()
    assert "is only on replica-2" in err.decode()
    async with lb_over(lab, "primary", "replica", "replica-2") as lb:
        await eventually(lambda: knows_all(lb, 3), "all have it", 60)
    assert len(await contents(lab, "only-here")) == 3


async def test_of_two_different_collections_the_administrator_chooses(lab: ProcessLab) -> None:
    uuids = await made_directly(lab, "chosen", "primary", "replica")
    for instance in lab.instances[:2]:
        async with httpx.AsyncClient(base_url=instance.url, timeout=30) as direct:
            await add(direct, uuids[instance.name], f"of-{instance.name}")
    async with lb_over(lab, "primary", "replica", "replica-2") as lb:
        await eventually(lambda: is_quiet(lb), "it is active", 60)
        path = "/admin/collections/chosen/repair"
        ambiguous = await lb.post(path)
        assert ambiguous.status_code == 409
        assert "primary and replica have a collection [chosen]" in ambiguous.json()["message"]
        absent = await lb.post(path, json={"from": "replica-2"})
        assert absent.status_code == 409
        answer = await lb.post(path, json={"from": "replica"})
        assert answer.status_code == 202, answer.text
        assert answer.json()["deleted"] == {"primary": [uuids["primary"]]}
        assert answer.json()["copied_to"] == ["primary", "replica-2"]
        await eventually(lambda: knows_all(lb, 3), "all have it", 60)
    found = await ids_on_instances(lab, "chosen")
    assert list(found.values()) == [["old-1", "old-2", "of-replica"]] * 3
