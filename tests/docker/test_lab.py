"""The lab of containers, started from images that were built without a registry."""

import time
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.docker.compose_project import OFFLINE_IMAGES, THIRD_INSTANCE, ComposeProject, run
from tests.integration.lb.calls import COLLECTIONS, add, create, eventually, ids_in, is_quiet

pytestmark = pytest.mark.real

SERVICES = ("primary", "replica", "postgres", "toxiproxy", "lb")
MOST_START_SECONDS = 15.0


def client(project: ComposeProject, service: str = "lb") -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=project.urls[service], timeout=30.0)


async def connected(project: ComposeProject, password: str = "lab") -> bool:
    connection = await asyncpg.connect(
        host="127.0.0.1", port=project.postgres_port, user="lb", password=password, database="lb"
    )
    await connection.close()
    return True


def test_every_service_gets_healthy(project: ComposeProject) -> None:
    for service in SERVICES:
        assert project.state(service)["Health"]["Status"] == "healthy", service


async def test_what_is_written_reaches_both_instances(project: ComposeProject) -> None:
    async with client(project) as lb:
        await create(lb, "both")
        assert (await add(lb, "both", "a", "b")).status_code == 201
        await eventually(lambda: is_quiet(lb), "both have applied it")
        for instance in ("primary", "replica"):
            async with client(project, instance) as direct:
                uuid = (await direct.get(f"{COLLECTIONS}/both")).json()["id"]
                assert await ids_in(direct, uuid) == ["a", "b"]


async def test_the_database_asks_for_its_password(project: ComposeProject) -> None:
    assert await connected(project)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await connected(project, "wrong")


@pytest.mark.parametrize("instance", ["primary", "replica"])
async def test_a_link_that_is_cut_is_felt_by_the_load_balancer_alone(
    project: ComposeProject, instance: str
) -> None:
    network = f"{project.name}_{instance}-link"
    async with client(project) as lb, client(project, instance) as direct:
        run("docker", "network", "disconnect", network, project.container(instance))

        async def is_known() -> bool:
            return (await lb.get("/status")).json()["healthy_instances"] == 1

        await eventually(is_known, "the load balancer misses it")
        assert (await direct.get("/api/v2/heartbeat")).status_code == 200
        alias = ("--alias", f"{instance}.internal")
        run("docker", "network", "connect", *alias, network, project.container(instance))
        await eventually(lambda: is_quiet(lb), "the load balancer has it again")


async def test_profiles_start_what_they_name(compose: Path, images: None) -> None:
    lab = ComposeProject(compose, "profiles", env_files=(OFFLINE_IMAGES, THIRD_INSTANCE))
    try:
        lab.up("second-lb", "third-instance", "load")
        async with client(lab) as lb, client(lab, "lb-2") as second:
            names = {each["name"] for each in (await lb.get("/status")).json()["instances"]}
            assert names == {"primary", "replica", "replica-2"}
            roles = [(await each.get("/health")).json()["role"] for each in (lb, second)]
            assert sorted(roles) == ["active", "standby"]
        async with client(lab, "locust-master") as locust:
            users = {"user_count": "2", "spawn_rate": "2", "host": "http://lb:8000"}
            assert (await locust.post("/swarm", data=users)).json()["success"]

            async def have_worked() -> bool:
                figures = (await locust.get("/stats/requests")).json()
                assert figures["total_fail_per_sec"] == 0, figures
                return any(row["num_requests"] > 20 for row in figures["stats"])

            await eventually(have_worked, "the worker's users ask")
    finally:
        lab.down()


@pytest.mark.alone
def test_a_warm_start_takes_fifteen_seconds_at_most(compose: Path, images: None) -> None:
    lab = ComposeProject(compose, "warm")
    try:
        began = time.monotonic()
        lab.up()
        assert time.monotonic() - began <= MOST_START_SECONDS
    finally:
        lab.down()
