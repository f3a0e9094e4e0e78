"""A write that got a 5xx from one instance is never what takes down the next."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from harness.labs.ports import PortReservations
from harness.labs.processes import ProcessLab
from tests.integration.lb.calls import (
    COLLECTIONS,
    add,
    create,
    eventually,
    ids_in,
    ids_on_instances,
    is_quiet,
)
from tests.integration.lb.failing_proxy import COMPACTOR, DISK_FULL, FailingProxy, nothing_fails
from tests.integration.lb.test_start import another_lb, environment

MARKER = b"strange-document"
PATIENT_SECONDS = "15"
"""The default, for tests in which no client is to be told to wait."""


@dataclass
class Rig:
    """A load balancer of the test's own, whose instances are behind proxies that can fail."""

    primary: FailingProxy
    replica: FailingProxy
    env: dict[str, str]

    @asynccontextmanager
    async def lb(self) -> AsyncIterator[httpx.AsyncClient]:
        url = f"http://127.0.0.1:{self.env['PORT']}"
        async with another_lb(self.env), httpx.AsyncClient(base_url=url, timeout=30) as client:

            async def is_active() -> bool:
                return bool((await client.get("/status")).json()["healthy_instances"])

            await eventually(is_active, "it is active", 20)
            yield client


@pytest_asyncio.fixture(loop_scope="module")
async def rig(lb: httpx.AsyncClient, lab: ProcessLab) -> AsyncIterator[Rig]:
    await lab.kill("lb")
    proxies = [FailingProxy(instance.url) for instance in lab.instances]
    for proxy in proxies:
        await proxy.start()
    ports = PortReservations()
    env = environment(
        lab,
        PORT=str(ports.reserve()),
        PRIMARY_URL=proxies[0].url,
        REPLICA_URL=proxies[1].url,
        WRITE_TIMEOUT_SECONDS="1.5",
        CANARY_INTERVAL_SECONDS="1",
    )
    yield Rig(proxies[0], proxies[1], env)
    for proxy in proxies:
        await proxy.stop()
    ports.release()


async def state(lb: httpx.AsyncClient, name: str) -> dict[str, Any]:
    instances = (await lb.get("/admin/instances")).json()["instances"]
    return dict(next(each for each in instances if each["name"] == name))


async def quarantined(lb: httpx.AsyncClient) -> list[dict[str, Any]]:
    return list((await lb.get("/wal/quarantine")).json()["quarantined"])


async def transaction(lb: httpx.AsyncClient, transaction_id: str) -> dict[str, Any]:
    return dict((await lb.get(f"/transactions/{transaction_id}")).json())


async def send_strange(lb: httpx.AsyncClient, collection: str) -> str:
    """Send the write that the proxies know; returns its transaction id."""
    body = {"ids": [MARKER.decode()], "embeddings": [[1.0, 2.0]]}
    answer = await lb.post(f"{COLLECTIONS}/{collection}/add", json=body)
    assert answer.status_code == 503, answer.text
    return str(answer.headers["Transaction-ID"])


async def poison_primary(rig: Rig, lb: httpx.AsyncClient, name: str) -> str:
    """Have a write break the primary, and nothing else; returns its transaction id."""
    await create(lb, name)
    assert (await add(lb, name, "first")).status_code == 201
    rig.primary.be_poisoned_by(MARKER)
    strange = await send_strange(lb, name)
    (held,) = await eventually(lambda: quarantined(lb), "it is quarantined")
    assert held["transaction_id"] == strange
    assert held["collection"] == name
    assert [each["instance"] for each in held["failures"]] == ["primary"]
    assert COMPACTOR in held["failures"][0]["error"]
    assert not rig.replica.has_seen(MARKER)
    return strange


async def equal_ids(lb: httpx.AsyncClient, lab: ProcessLab, name: str, *ids: str) -> None:
    await eventually(lambda: is_quiet(lb), "both instances are well", 20)
    assert await ids_on_instances(lab, name) == {"primary": [*ids], "replica": [*ids]}


async def test_a_write_that_breaks_one_instance_reaches_no_other_until_it_is_released(
    rig: Rig, lab: ProcessLab
) -> None:
    async with rig.lb() as lb:
        await create(lb, "other-lane")
        strange = await poison_primary(rig, lb, "released")

        await eventually(lambda: is_down(lb), "the primary is out of service")
        assert COMPACTOR in (await state(lb, "primary"))["cause"]
        assert (await add(lb, "other-lane", "doc")).status_code == 201
        waiting = await add(lb, "released", "later")
        assert waiting.status_code == 503
        assert waiting.headers["Transaction-ID"]
        assert await ids_in(lb, "released") == ["first"]
        assert (await lb.get("/wal/status")).json()["quarantined"] == 1
        assert "chroma_lb_quarantined_entries 1.0" in (await lb.get("/metrics")).text

        rig.primary.fails = nothing_fails
        await eventually(lambda: is_up(lb, "primary"), "the primary is back")
        assert len(await quarantined(lb)) == 1
        rig.primary.be_poisoned_by(MARKER)
        assert (await lb.post(f"/admin/quarantine/{strange}/release")).status_code == 200

        # Released means that it may break the next one as well; here only the primary breaks.
        (again,) = await eventually(lambda: quarantined(lb), "the primary failed again")
        assert len(again["failures"]) == 1
        assert (await lb.post(f"/admin/quarantine/{strange}/release")).status_code == 200
        await eventually(lambda: is_recovered(lb, strange), "the replica has it")
        assert rig.replica.has_seen(MARKER)
        rig.primary.fails = nothing_fails
        await equal_ids(lb, lab, "released", "first", MARKER.decode(), "later")


async def is_up(lb: httpx.AsyncClient, name: str) -> bool:
    return (await state(lb, name))["state"] == "UP"


async def is_recovered(lb: httpx.AsyncClient, transaction_id: str) -> bool:
    return (await transaction(lb, transaction_id))["state"] == "RECOVERED"


async def test_a_discarded_write_fails_everywhere_and_its_lane_goes_on(
    rig: Rig, lab: ProcessLab
) -> None:
    async with rig.lb() as lb:
        strange = await poison_primary(rig, lb, "discarded")
        waiting = (await add(lb, "discarded", "later")).headers["Transaction-ID"]
        for path, status in ((waiting, 409), ("nobody", 404)):
            answer = await lb.post(f"/admin/quarantine/{path}/discard")
            assert (answer.status_code, path in answer.json()["message"]) == (status, True)
        assert (await lb.post(f"/admin/quarantine/{strange}/discard")).status_code == 200
        await eventually(lambda: is_recovered(lb, waiting), "its lane goes on")

        found = await transaction(lb, strange)
        assert (found["state"], found["status"]) == ("FAILED", 500)
        assert found["body"]["error"] == "Discarded"
        assert await quarantined(lb) == []
        assert (await lb.get("/status")).json()["comparison"]["doubted"] >= 1
        rig.primary.fails = nothing_fails
        await equal_ids(lb, lab, "discarded", "first", "later")
        assert not rig.replica.has_seen(MARKER)


async def test_a_quarantine_survives_a_restart(rig: Rig, lab: ProcessLab) -> None:
    async with rig.lb() as lb:
        strange = await poison_primary(rig, lb, "restarted")
    rig.primary.fails = nothing_fails
    async with rig.lb() as lb:
        await eventually(lambda: is_up(lb, "replica"), "the replica serves")
        assert [each["transaction_id"] for each in await quarantined(lb)] == [strange]
        assert (await add(lb, "restarted", "later")).status_code == 503
        assert await ids_in(lb, "restarted") == ["first"]
        names = [each["name"] for each in (await lb.get(COLLECTIONS)).json()]
        assert "restarted" in names
        assert not rig.replica.has_seen(MARKER)
        assert (await lb.post(f"/admin/quarantine/{strange}/release")).status_code == 200
        await equal_ids(lb, lab, "restarted", "first", MARKER.decode(), "later")


async def test_a_write_that_every_instance_survives_but_fails_is_quarantined(
    rig: Rig, lab: ProcessLab
) -> None:
    async with rig.lb() as lb:
        await create(lb, "always-failing")
        await create(lb, "unaffected")
        for proxy in (rig.primary, rig.replica):
            proxy.fails = lambda body: "no reason" if MARKER in body else None
        strange = await send_strange(lb, "always-failing")
        (held,) = await eventually(lambda: quarantined(lb), "it is quarantined")
        assert {each["instance"] for each in held["failures"]} == {"primary", "replica"}
        sent = sum(MARKER in body for body in [*rig.primary.writes, *rig.replica.writes])
        assert sent == len(held["failures"]) <= 4
        await eventually(lambda: is_up(lb, "primary"), "the primary is well")
        await eventually(lambda: is_up(lb, "replica"), "the replica is well")
        assert (await add(lb, "unaffected", "doc")).status_code == 201
        assert (await lb.post(f"/admin/quarantine/{strange}/discard")).status_code == 200
        await equal_ids(lb, lab, "always-failing")


async def test_a_passing_failure_costs_nobody_anything(rig: Rig, lab: ProcessLab) -> None:
    rig.env["WRITE_TIMEOUT_SECONDS"] = PATIENT_SECONDS
    async with rig.lb() as lb:
        await create(lb, "passing")
        left = ["no reason"]
        rig.primary.fails = lambda body: left.pop() if MARKER in body and left else None
        body = {"ids": [MARKER.decode()], "embeddings": [[1.0, 2.0]]}
        assert (await lb.post(f"{COLLECTIONS}/passing/add", json=body)).status_code == 201
        assert left == []
        await equal_ids(lb, lab, "passing", MARKER.decode())
        assert await quarantined(lb) == []


@pytest.mark.parametrize("everything", [False, True], ids=["full disk", "everything"])
async def test_a_server_that_fails_by_itself_costs_no_write_and_comes_back(
    rig: Rig, lab: ProcessLab, everything: bool
) -> None:
    names = [f"failing-{everything}-{number}" for number in range(6)]
    rig.env["WRITE_TIMEOUT_SECONDS"] = PATIENT_SECONDS
    async with rig.lb() as lb:
        for name in names:
            await create(lb, name)
        statuses: dict[str, list[int]] = {name: [] for name in names}
        stop = asyncio.Event()

        async def write(name: str) -> None:
            while not stop.is_set():
                number = len(statuses[name])
                statuses[name].append((await add(lb, name, f"doc{number}")).status_code)

        async with asyncio.TaskGroup() as writers:
            for name in names:
                writers.create_task(write(name))

            async def written(count: int) -> bool:
                return all(len(each) >= count for each in statuses.values())

            await eventually(lambda: written(5), "writes succeed")
            rig.primary.fails_everything = everything
            rig.primary.fails = lambda _: DISK_FULL
            await eventually(lambda: is_down(lb), "the primary is out of service")
            so_far = max(len(each) for each in statuses.values())
            await eventually(lambda: written(so_far + 5), "writes go on", 20)
            stop.set()
        assert {status for each in statuses.values() for status in each} == {201}
        assert await quarantined(lb) == []
        cause = (await state(lb, "primary"))["cause"]
        assert everything or "disk is full" in cause
        rig.primary.fails, rig.primary.fails_everything = nothing_fails, False
        await eventually(lambda: is_quiet(lb), "both instances are well", 30)
        for name in names:
            found = await ids_on_instances(lab, name)
            assert found["primary"] == found["replica"]
            assert len(found["primary"]) == len(statuses[name])


async def is_down(lb: httpx.AsyncClient) -> bool:
    return (await state(lb, "primary"))["state"] == "DOWN"


async def test_an_idle_instance_that_fails_writes_is_found_and_reads_still_work(
    rig: Rig, lab: ProcessLab
) -> None:
    async with rig.lb() as lb:
        await create(lb, "idle")
        assert (await add(lb, "idle", "doc")).status_code == 201
        await eventually(lambda: is_quiet(lb), "both have it")
        for proxy in (rig.primary, rig.replica):
            proxy.fails = lambda _: "no reason"

        async def none_healthy() -> bool:
            return (await lb.get("/status")).json()["healthy_instances"] == 0

        await eventually(none_healthy, "canary writes failed")
        assert await ids_in(lb, "idle") == ["doc"]
        refused = await add(lb, "idle", "later")
        assert refused.status_code == 503
        for proxy in (rig.primary, rig.replica):
            proxy.fails = nothing_fails
        await equal_ids(lb, lab, "idle", "doc", "later")
        assert await is_recovered(lb, refused.headers["Transaction-ID"])
