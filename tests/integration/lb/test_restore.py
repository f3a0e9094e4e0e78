"""The log's database is dumped, moved, lost and restored, as docs/deploy-render.md tells one to do.

Only PostgreSQL's own programs touch the database.
"""

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.integration.lb.calls import (
    COLLECTIONS,
    add,
    create,
    eventually,
    ids_in,
    ids_on_instances,
    is_quiet,
)
from tests.integration.lb.movable_log import (
    Log,
    check_ids_everywhere,
    check_is_refused,
    conflict,
    is_refused,
    lb_on,
    take_over,
)
from tests.integration.lb.moving_clients import Writers


@pytest_asyncio.fixture(loop_scope="module")
async def lab(tmp_path: Path) -> AsyncIterator[ProcessLab]:
    """A lab for each test, without a load balancer: instances remember who wrote to them."""
    lab = ProcessLab(ProcessLabSettings(tmp_path / "lab"))
    await lab.start()
    try:
        await lab.kill("lb")
        yield lab
    finally:
        await lab.stop()


@pytest.fixture
def log(lab: ProcessLab, tmp_path: Path) -> Log:
    return Log(lab, tmp_path)


async def remove(client: httpx.AsyncClient, collection: str, *ids: str) -> None:
    body = {"ids": list(ids)}
    answer = await client.post(f"{COLLECTIONS}/{collection}/delete", json=body)
    assert answer.status_code == 200, answer.text


async def test_a_log_that_is_dumped_under_load_and_then_moved_loses_nothing(
    lab: ProcessLab, log: Log
) -> None:
    async with lb_on(log, lab) as client:
        stable_id = await create(client, "moved-log")
        once = {"Transaction-ID": "only-once"}
        path = f"{COLLECTIONS}/moved-log/upsert"
        body = {"ids": ["once"], "embeddings": [[1.0, 1.0]]}
        assert (await client.post(path, json=body, headers=once)).status_code == 200
        writers = Writers(str(client.base_url), "moved-log")
        await writers.more()
        await log.dump()
        await writers.more()
        await writers.stop()

    last = await log.dump()
    await log.begin_anew()
    await log.restore(last)

    async with lb_on(log, lab) as client:
        known = (await client.get(f"{COLLECTIONS}/moved-log")).json()["id"]
        assert known == stable_id
        repeated = await client.post(path, json={**body, "ids": ["other"]}, headers=once)
        assert repeated.status_code in (409, 422), "the transaction is known"
        assert (await add(client, stable_id, "after")).status_code == 201
        await eventually(lambda: is_quiet(client), "both instances have it")
        expected = sorted([*writers.acknowledged, "once", "after"])
        for ids in (await ids_on_instances(lab, "moved-log")).values():
            assert sorted(ids) == expected


async def test_after_the_log_was_lost_an_empty_one_takes_over_what_the_instances_hold(
    lab: ProcessLab, log: Log
) -> None:
    """One instance lacks an acknowledged write, which only the lost log knew."""
    async with lb_on(log, lab) as client:
        await create(client, "log-lost")
        await add(client, "log-lost", "a")
        await eventually(lambda: is_quiet(client), "both instances have it")
        await lab.kill("replica")
        assert (await add(client, "log-lost", "b")).status_code == 201
    await lab.restart("replica")
    await log.begin_anew()

    async with lb_on(log, lab, until=is_refused) as client:
        await check_is_refused(client, "log-lost")
        wrong = {"from_log": str(uuid4())}
        assert (await client.post("/admin/log/take-over", json=wrong)).status_code == 409
        answer = await take_over(client)
        assert answer.status_code == 200, answer.text
        assert answer.json()["conflict"] == ""
        assert (await take_over(client)).status_code == 409, "there is nothing left to take over"
        await eventually(lambda: is_quiet(client), "both instances serve")

        async def is_adopted() -> bool:
            collections = (await client.get("/collection/mappings")).json()["mappings"]
            return any(each["name"] == "log-lost" for each in collections)

        await eventually(is_adopted, "what both instances have is taken in")
        compared = (await client.post("/admin/compare")).json()["comparisons"]
        outcomes = {each["outcome"] for each in compared if each["collection"] == "log-lost"}
        assert outcomes == {"different"}, compared
        answer = await client.post("/admin/collections/log-lost/repair", json={"from": "primary"})
        assert answer.status_code == 202, answer.text

        async def is_equal() -> bool:
            held = (await ids_on_instances(lab, "log-lost")).values()
            return all(ids == ["a", "b"] for ids in held)

        await eventually(is_equal, "the replica has a copy of the primary's")


async def test_an_older_log_is_not_used_and_the_newest_one_still_is(
    lab: ProcessLab, log: Log
) -> None:
    """A write that was pending in the dump is done and undone since: it must not come back."""
    async with lb_on(log, lab, WRITE_TIMEOUT_SECONDS="2") as client:
        await create(client, "older-log")
        await add(client, "older-log", "a")
        await eventually(lambda: is_quiet(client), "both instances have it")
        await lab.kill("primary")
        await lab.kill("replica")
        assert (await add(client, "older-log", "b")).status_code == 503
        older = await log.dump()
        await lab.restart("primary")
        await lab.restart("replica")

        async def has_b() -> bool:
            held = (await ids_on_instances(lab, "older-log")).values()
            return all(ids == ["a", "b"] for ids in held)

        await eventually(has_b, "the write is applied when the instances are back")
        await remove(client, "older-log", "b")
        await eventually(lambda: is_quiet(client), "both instances have deleted it")
    newest = log.name

    await log.begin_anew()
    await log.restore(older)
    async with lb_on(log, lab, until=is_refused) as client:
        assert "set back" in await conflict(client)
        await check_is_refused(client, "older-log")
        answer = await take_over(client)
        assert (answer.status_code, answer.json()["error"]) == (409, "TakeOverRefused")
        assert "not empty" in answer.json()["message"]
        force = {"healthy": True, "duration_seconds": 60}
        await client.post("/admin/instances/primary/health", json=force)
        assert await is_refused(client)
    await check_ids_everywhere(lab, "older-log", "a")

    log.name = newest
    async with lb_on(log, lab) as client:
        assert (await add(client, "older-log", "c")).status_code == 201
        await eventually(lambda: is_quiet(client), "both instances have it")
    await check_ids_everywhere(lab, "older-log", "a", "c")


async def test_a_log_that_is_older_by_writes_since_the_last_start_is_found_after_a_kill(
    lab: ProcessLab, log: Log
) -> None:
    """It says no last word: the mark that it left while the log went on has to do."""
    async with lb_on(log, lab, end=signal.SIGKILL) as client:
        await create(client, "killed")
        older = await log.dump()
        await add(client, "killed", "a")
        end = (await client.get("/wal/status")).json()["last_position"]

        async def is_marked() -> bool:
            marks = (await client.get("/status")).json()["identity"]["marks"].values()
            return all(each["position"] == end for each in marks)

        await eventually(is_marked, "both instances have the mark")

    await log.begin_anew()
    await log.restore(older)
    async with lb_on(log, lab, until=is_refused) as client:
        await check_is_refused(client, "killed")


async def test_the_log_of_another_system_is_not_used_unless_it_is_empty_and_a_setting_allows_it(
    lab: ProcessLab, log: Log
) -> None:
    async with lb_on(log, lab) as client:
        await create(client, "ours")
    ours = log.name

    await log.begin_anew()
    async with lb_on(log, lab, until=is_refused) as client:
        assert "DATABASE_URL" in await conflict(client)
        await check_is_refused(client, "ours")

    empty, log.name = log.name, ours
    async with lb_on(log, lab) as client:
        assert (await add(client, "ours", "a")).status_code == 201
        writer = (await client.get("/status")).json()["identity"]["log_id"]

    log.name = empty
    async with lb_on(log, lab, TAKE_OVER_FROM_LOG=writer) as client:

        async def is_adopted() -> bool:
            answer = await client.get(f"{COLLECTIONS}/ours")
            return answer.status_code == 200

        await eventually(is_adopted, "an administrator has said that it may")
        assert await ids_in(client, "ours") == ["a"]
