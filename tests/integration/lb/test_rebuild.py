"""Invariant 11: an instance that was away too long is rebuilt while clients go on."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.integration.lb.calls import COLLECTIONS, DATABASE, add, create, eventually, is_quiet
from tests.integration.lb.writers import Writer, assert_equal, seeded, writing

MANY = 6000
"""So many documents that copying them takes long enough to do something meanwhile."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProcessLab]:
    settings = ProcessLabSettings(
        tmp_path_factory.mktemp("lab"),
        lb_command=("env", "LOG_MAX_ENTRIES=20", sys.executable, "-m", "lb"),
        lb_ready_path="/health",
    )
    lab = ProcessLab(settings)
    await lab.start()
    try:
        yield lab
    finally:
        await lab.stop()


async def instance(lb: httpx.AsyncClient, name: str) -> dict[str, Any]:
    instances = (await lb.get("/admin/instances")).json()["instances"]
    return next(each for each in instances if each["name"] == name)


async def needs_rebuild(lb: httpx.AsyncClient, name: str) -> bool:
    return bool((await instance(lb, name))["state"] == "NEEDS_REBUILD")


async def copied_documents(lb: httpx.AsyncClient, name: str, more_than: int) -> bool:
    return bool((await instance(lb, name))["rebuild"]["copied_documents"] > more_than)


async def is_rebuilt(lb: httpx.AsyncClient, name: str) -> bool:
    """Tell whether it is a member of everything and serves; who writes may be ahead of it."""
    seen = await instance(lb, name)
    return bool(seen["state"] == "UP" and seen["rebuild"]["collections_to_go"] == 0)


async def abandoned(lb: httpx.AsyncClient, lab: ProcessLab, name: str, *writers: Writer) -> None:
    """Kill an instance and write until the log does not wait for it any more."""
    await lab.kill(name)
    async with writing(*writers):
        await eventually(lambda: needs_rebuild(lb, name), "the log does not wait for it", 30)


async def test_an_instance_away_too_long_is_rebuilt_while_clients_go_on(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await seeded(lb, "rebuilt", MANY)
    await create(lb, "untouched")
    await eventually(lambda: is_quiet(lb), "the instances are equal", 30)
    writers = [Writer(lb, "rebuilt", seed, MANY) for seed in (1, 2)]
    await abandoned(lb, lab, "replica", *writers)
    assert "20" in (await instance(lb, "replica"))["cause"]
    await create(lb, "made-meanwhile")
    async with writing(*writers):
        await lab.restart("replica")
        await eventually(lambda: is_rebuilt(lb, "replica"), "it is rebuilt", 90)
    await eventually(lambda: is_quiet(lb), "it has applied the rest", 30)
    assert sum(writer.failed for writer in writers) == 0, [w.statuses for w in writers]
    rebuild = (await instance(lb, "replica"))["rebuild"]
    assert rebuild["copied_collections"] == 1
    assert rebuild["collections_to_go"] == rebuild["leftovers"] == 0
    await assert_equal(lab, "rebuilt", "untouched", "made-meanwhile")


@pytest.mark.parametrize("victim", ["replica", "lb", "primary"])
async def test_a_copy_that_is_interrupted_begins_anew(
    lb: httpx.AsyncClient, lab: ProcessLab, victim: str
) -> None:
    name = f"interrupted-by-{victim}"
    await seeded(lb, name, MANY)
    await eventually(lambda: is_quiet(lb), "the instances are equal", 30)
    writer = Writer(lb, name, 3, MANY)
    await abandoned(lb, lab, "replica", writer)
    before = (await instance(lb, "replica"))["rebuild"]["copied_documents"]
    await lab.restart("replica")
    await eventually(lambda: copied_documents(lb, "replica", before), "the copy has begun", 30)
    await lab.kill(victim)
    await lab.restart(victim)
    await eventually(lambda: is_quiet(lb), "it is rebuilt", 90)
    assert writer.failed == 0
    await assert_equal(lab, name)
    for url in (each.url for each in lab.instances):
        async with httpx.AsyncClient(base_url=url) as direct:
            names = [each["name"] for each in (await direct.get(COLLECTIONS)).json()]
            assert len(names) == len(set(names)), "a leftover is there still"


async def test_collections_change_their_names_and_go_while_they_are_copied(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    for name in ("renamed-0", "dropped-0", "modified-0"):
        await seeded(lb, name, 1500)
    await eventually(lambda: is_quiet(lb), "the instances are equal", 30)
    writers = [Writer(lb, "renamed-0", 4, 1500), Writer(lb, "dropped-0", 5, 1500)]
    await abandoned(lb, lab, "replica", *writers, Writer(lb, "modified-0", 6, 1500))
    before = (await instance(lb, "replica"))["rebuild"]["copied_documents"]
    await lab.restart("replica")
    await eventually(lambda: copied_documents(lb, "replica", before), "a copy has begun", 30)
    answers = [
        await lb.put(f"{COLLECTIONS}/renamed-0", json={"new_name": "renamed-1"}),
        await lb.delete(f"{COLLECTIONS}/dropped-0"),
        await lb.post(COLLECTIONS, json={"name": "dropped-0"}),
        await lb.post(COLLECTIONS, json={"name": "renamed-0"}),
        await lb.put(f"{COLLECTIONS}/modified-0", json={"new_metadata": {"a": 1}}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 5, [a.text for a in answers]
    listed = {each["name"] for each in (await lb.get(COLLECTIONS)).json()}
    assert {"renamed-0", "renamed-1", "dropped-0", "modified-0"} <= listed
    await eventually(lambda: is_quiet(lb), "it is rebuilt", 90)
    await assert_equal(lab, "renamed-0", "renamed-1", "dropped-0", "modified-0")


async def test_a_collection_that_an_instance_has_lost_is_copied_to_it(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await seeded(lb, "lost-by-one", 700)
    await eventually(lambda: is_quiet(lb), "the instances are equal", 30)
    async with httpx.AsyncClient(base_url=lab.instances[1].url, timeout=30) as direct:
        assert (await direct.delete(f"{COLLECTIONS}/lost-by-one")).status_code == 200
    writer = Writer(lb, "lost-by-one", 7, 700)
    async with writing(writer):

        async def is_missed() -> bool:
            return bool((await instance(lb, "replica"))["state"] == "CATCHING_UP")

        await eventually(is_missed, "it is missed", 30)
        await eventually(lambda: is_rebuilt(lb, "replica"), "it is copied", 30)
    await eventually(lambda: is_quiet(lb), "the rest is applied", 30)
    assert writer.failed == 0
    await assert_equal(lab, "lost-by-one")


async def test_an_instance_that_lost_its_disk_gets_everything_again_without_any_request(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await seeded(lb, "on-the-disk", 300)
    await eventually(lambda: is_quiet(lb), "the instances are equal", 30)
    listed = {each["name"] for each in (await lb.get(COLLECTIONS)).json()}
    async with httpx.AsyncClient(base_url=lab.instances[0].url, timeout=30) as direct:
        for name in listed:
            assert (await direct.delete(f"{COLLECTIONS}/{name}")).status_code == 200
    await lab.kill("primary")
    await lab.restart("primary")

    async def has_all() -> bool:
        async with httpx.AsyncClient(base_url=lab.instances[0].url, timeout=30) as direct:
            names = {each["name"] for each in (await direct.get(COLLECTIONS)).json()}
        return names == listed and await is_quiet(lb)

    await eventually(has_all, "everything is copied", 60)
    await assert_equal(lab, "on-the-disk")


async def test_a_full_log_takes_no_more_and_recovers(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "full")
    await eventually(lambda: is_quiet(lb), "the instances are equal", 30)
    await lab.kill("primary")
    await lab.kill("replica")
    connection = await asyncpg.connect(lab.urls()["postgres"])

    async def logged() -> int:
        count = "select count(*) from wal where outcome_status is null"
        return int(await connection.fetchval(count))

    async def is_full() -> bool:
        return await logged() == 20

    async with asyncio.TaskGroup() as waiting:
        for number in range(20):
            waiting.create_task(add(lb, "full", f"d{number}"))
        await eventually(is_full, "twenty are in the log")
        refused = await add(lb, "full", "one-more")
        assert refused.status_code == 503
        assert refused.json()["error"] == "LogFull"
        assert refused.headers["Retry-After"]
        assert await logged() == 20
        await connection.close()
        for name in ("primary", "replica"):
            await lab.restart(name)
    await eventually(lambda: is_quiet(lb), "what waited is applied", 30)
    assert (await add(lb, "full", "new")).status_code == 201
    await eventually(lambda: is_quiet(lb), "the instances are equal", 30)
    await assert_equal(lab, "full")
    count = (await lb.get(f"{DATABASE}/collections/full/count")).json()
    assert count == 21
