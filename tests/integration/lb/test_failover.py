"""Instances fail and return; clients notice nothing, and afterwards all instances are equal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest

from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.integration.lb.calls import (
    COLLECTIONS,
    add,
    create,
    eventually,
    ids_in,
    ids_on_instances,
    is_healthy,
    is_quiet,
)


@asynccontextmanager
async def clients_at_work(lb: httpx.AsyncClient, name: str) -> AsyncIterator[list[str]]:
    """Write and read all the while; yields the acknowledged ids; any failure fails the test."""
    acknowledged: list[str] = []
    stop = asyncio.Event()

    async def work(worker: int) -> None:
        for number in count():
            if stop.is_set():
                return
            written = f"w{worker}-{number}"
            response = await add(lb, name, written)
            assert response.status_code == 201, response.text
            acknowledged.append(written)
            seen = await ids_in(lb, name)
            assert written in seen, "a client did not read its own write"

    workers = [asyncio.create_task(work(n), name=f"worker {n}") for n in range(3)]
    try:
        yield acknowledged
    finally:
        stop.set()
        await asyncio.gather(*workers)


async def wait_for_more(acknowledged: list[str], more: int = 10) -> None:
    target = len(acknowledged) + more

    async def enough() -> bool:
        return len(acknowledged) >= target

    await eventually(enough, f"{more} more writes are acknowledged", 20)


@pytest.mark.parametrize("victim", ["primary", "replica"])
async def test_no_operation_fails_and_nothing_is_lost_when_an_instance_is_killed(
    lb: httpx.AsyncClient, lab: ProcessLab, victim: str
) -> None:
    name = f"failover-{victim}"
    await create(lb, name)
    async with clients_at_work(lb, name) as acknowledged:
        await wait_for_more(acknowledged)
        await lab.kill(victim)
        await wait_for_more(acknowledged, 20)
        status = (await lb.get("/status")).json()
        assert status["healthy_instances"] == 1
        await lab.restart(victim)
        await wait_for_more(acknowledged)
    await eventually(lambda: is_quiet(lb), "the instance has caught up")
    found = await ids_on_instances(lab, name)
    for instance, ids in found.items():
        assert sorted(ids) == sorted(acknowledged), instance
    assert found["primary"] == found["replica"], "the order of insertion differs"


async def test_deletes_and_creates_made_while_an_instance_is_down_reach_it(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "kept")
    await create(lb, "dropped")
    await add(lb, "kept", "a", "b", "c")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    await lab.kill("primary")
    await lb.post(f"{COLLECTIONS}/kept/delete", json={"ids": ["a"]})
    await lb.post(
        f"{COLLECTIONS}/kept/delete", json={"where_document": {"$contains": "b"}, "limit": 1}
    )
    assert (await lb.delete(f"{COLLECTIONS}/dropped")).status_code == 200
    await create(lb, "dropped", metadata={"second": True})
    await add(lb, "dropped", "fresh")
    renamed = await lb.put(f"{COLLECTIONS}/kept", json={"new_name": "kept-renamed"})
    assert renamed.status_code == 200
    await create(lb, "kept")
    await lab.restart("primary")
    await eventually(lambda: is_quiet(lb), "the primary has caught up")
    assert set(map(tuple, (await ids_on_instances(lab, "kept-renamed")).values())) == {("c",)}
    assert set(map(tuple, (await ids_on_instances(lab, "dropped")).values())) == {("fresh",)}
    assert set(map(tuple, (await ids_on_instances(lab, "kept")).values())) == {()}


async def test_a_write_waits_for_an_instance_when_all_are_down(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "patient")
    # What is pending from now on is the write that nobody can apply.
    await eventually(lambda: is_quiet(lb), "the create is applied everywhere")
    await lab.kill("primary")
    await lab.kill("replica")
    waiting = asyncio.create_task(add(lb, "patient", "late"))

    async def logged() -> bool:
        pending = (await lb.get("/wal/status")).json()["pending_entries"]
        return set(pending.values()) == {1}

    await eventually(logged, "the write is logged")
    health = await lb.get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "degraded"), "it still logs"
    await lab.restart("replica")
    assert (await waiting).status_code == 201
    assert await ids_in(lb, "patient") == ["late"]


async def test_a_forced_state_is_obeyed_and_ends_by_itself(lb: httpx.AsyncClient) -> None:
    await create(lb, "forced")
    await eventually(lambda: is_quiet(lb), "the create is applied everywhere")
    path = "/admin/instances/primary/health"
    answer = await lb.post(path, json={"healthy": False, "duration_seconds": 60})
    assert answer.status_code == 200
    assert answer.json()["state"] == "DOWN"
    assert (await add(lb, "forced", "x")).status_code == 201
    assert (await lb.get("/wal/status")).json()["pending_entries"]["primary"] == 1
    assert await ids_in(lb, "forced") == ["x"]
    await lb.post(path, json={"healthy": False, "duration_seconds": 1})
    await eventually(lambda: is_quiet(lb), "the primary is taken back")
    assert (await lb.get("/wal/status")).json()["pending_entries"]["primary"] == 0


@pytest.mark.parametrize(
    ("instance", "body", "status"),
    [
        ("primary", {"healthy": "no"}, 400),
        ("primary", {"duration_seconds": 5}, 400),
        ("primary", {"healthy": False, "duration_seconds": 0}, 400),
        ("primary", {"healthy": False, "duration_seconds": 1e9}, 400),
        ("primary", {"healthy": False, "for": 5}, 400),
        ("nobody", {"healthy": False}, 404),
    ],
)
async def test_a_wrong_forced_state_is_refused_and_changes_nothing(
    lb: httpx.AsyncClient, instance: str, body: dict[str, object], status: int
) -> None:
    before = (await lb.get("/admin/instances")).json()["instances"][0]["transitions"]
    answer = await lb.post(f"/admin/instances/{instance}/health", json=body)
    assert answer.status_code == status
    assert answer.json()["message"]
    after = (await lb.get("/admin/instances")).json()["instances"][0]["transitions"]
    assert after == before


async def test_with_three_instances_any_one_and_then_two_may_be_down(
    tmp_path: Path,
) -> None:
    lab = ProcessLab(ProcessLabSettings(tmp_path / "three", instance_count=3))
    await lab.start()
    try:
        async with httpx.AsyncClient(base_url=lab.lb_url, timeout=30) as lb:
            await create(lb, "three")
            async with clients_at_work(lb, "three") as acknowledged:
                for victims in (["replica"], ["primary", "replica-2"]):
                    await wait_for_more(acknowledged)
                    for victim in victims:
                        await lab.kill(victim)
                    await wait_for_more(acknowledged)
                    for victim in victims:
                        await lab.restart(victim)
                    await eventually(lambda: is_healthy(lb), "all have caught up", 20)
            await eventually(lambda: is_quiet(lb), "all have caught up", 20)
            found = await ids_on_instances(lab, "three")
            assert len({tuple(ids) for ids in found.values()}) == 1
            assert sorted(found["primary"]) == sorted(acknowledged)
    finally:
        await lab.stop()
