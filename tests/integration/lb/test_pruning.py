"""Invariant 11: the log keeps bodies while an instance lacks them, and outcomes for a time."""

import sys
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.integration.lb.calls import COLLECTIONS, create, eventually, ids_in, is_quiet
from tests.integration.lb.writers import assert_equal

TWO_WEEKS_OLD = "update wal set settled_at = settled_at - interval '14 days'"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProcessLab]:
    settings = ProcessLabSettings(
        tmp_path_factory.mktemp("lab"),
        lb_command=("env", "PRUNE_INTERVAL_SECONDS=0.1", sys.executable, "-m", "lb"),
        lb_ready_path="/health",
    )
    lab = ProcessLab(settings)
    await lab.start()
    try:
        yield lab
    finally:
        await lab.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def log(lab: ProcessLab) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(lab.urls()["postgres"])
    yield connection
    await connection.close()


async def add(
    lb: httpx.AsyncClient, name: str, document: str, transaction: str | None = None
) -> httpx.Response:
    headers = {"Transaction-ID": transaction or f"{name}-{document}"}
    body = {"ids": [document], "embeddings": [[1.0, 2.0]], "documents": ["some text"]}
    return await lb.post(f"{COLLECTIONS}/{name}/add", json=body, headers=headers)


async def figure(lb: httpx.AsyncClient, name: str) -> int:
    return int((await lb.get("/wal/status")).json()[name])


async def holds_no_bodies(lb: httpx.AsyncClient) -> bool:
    return await figure(lb, "entries_with_body") == 0 == await figure(lb, "body_bytes")


async def test_bodies_stay_while_an_instance_lacks_them_and_go_then(
    lb: httpx.AsyncClient, lab: ProcessLab, log: "asyncpg.Connection[Any]"
) -> None:
    await create(lb, "kept")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    await eventually(lambda: holds_no_bodies(lb), "what all have is let go")
    await lab.kill("replica")
    for number in range(5):
        assert (await add(lb, "kept", f"d{number}")).status_code == 201

    async def holds_five() -> bool:
        return await figure(lb, "entries_with_body") == 5

    await eventually(holds_five, "what the replica lacks is counted")
    assert await log.fetchval("select count(*) from wal where body is not null") == 5
    held = await log.fetchval("select sum(octet_length(body)) from wal")
    assert await figure(lb, "body_bytes") == held
    pruned = await figure(lb, "pruned_bodies")
    await lab.restart("replica")
    await eventually(lambda: is_quiet(lb), "the replica has caught up")
    await eventually(lambda: holds_no_bodies(lb), "they are let go")
    assert await figure(lb, "pruned_bodies") == pruned + 5
    assert await log.fetchval("select count(*) from wal where body is not null") == 0
    metrics = (await lb.get("/metrics")).text
    assert "chroma_lb_log_bodies 0.0" in metrics
    assert f"chroma_lb_pruned_bodies_total {pruned + 5}.0" in metrics
    await assert_equal(lab, "kept")


async def test_a_repeated_request_gets_its_outcome_after_its_body_went(
    lb: httpx.AsyncClient,
) -> None:
    await create(lb, "repeated")
    first = await add(lb, "repeated", "doc", "same")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    await eventually(lambda: holds_no_bodies(lb), "its body is gone")
    again = await add(lb, "repeated", "doc", "same")
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (201, {})
    assert (await add(lb, "repeated", "another", "same")).status_code == 422
    assert await ids_in(lb, "repeated") == ["doc"]


async def test_old_outcomes_go_but_positions_and_contents_stay(
    lb: httpx.AsyncClient, lab: ProcessLab, log: "asyncpg.Connection[Any]"
) -> None:
    await create(lb, "gone")
    await add(lb, "gone", "doc")
    assert (await lb.delete(f"{COLLECTIONS}/gone")).status_code == 200
    assert (await create_badly(lb)).status_code == 400
    await create(lb, "lasting")
    await add(lb, "lasting", "doc")
    assert (await lb.get("/transactions/lasting-doc")).status_code == 200
    assert (await lb.get("/transactions?collection=gone")).json()["transactions"]
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    end = await figure(lb, "last_position")
    await log.execute(TWO_WEEKS_OLD)

    async def is_pruned() -> bool:
        rows = await log.fetch("select position from wal")
        states = await log.fetch("select distinct state from collections")
        return [row[0] for row in rows] == [end] and [row[0] for row in states] == ["active"]

    await eventually(is_pruned, "only the newest entry is left")
    assert (await lb.get("/transactions/gone-doc")).status_code == 404
    assert (await lb.get("/transactions?collection=gone")).json()["transactions"] == []
    assert (
        await log.fetchval(
            "select count(*) from cursors c where lane_id not in (select id from collections)"
        )
        == 0
    )
    await lab.kill("lb")
    await lab.restart("lb")
    await eventually(lambda: is_quiet(lb), "it serves")
    assert await figure(lb, "last_position") == end
    assert await ids_in(lb, "lasting") == ["doc"]
    assert (await add(lb, "lasting", "next")).status_code == 201
    assert await figure(lb, "last_position") == end + 1
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    await assert_equal(lab, "lasting", "kept", "repeated")


async def create_badly(lb: httpx.AsyncClient) -> httpx.Response:
    """Send a create that is logged, and that every instance refuses."""
    return await lb.post(COLLECTIONS, json={"name": "x"})


async def test_an_old_outcome_stays_while_an_instance_lacks_the_write(
    lb: httpx.AsyncClient, lab: ProcessLab, log: "asyncpg.Connection[Any]"
) -> None:
    await create(lb, "lagging")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    await lab.kill("replica")
    await add(lb, "lagging", "doc")
    await add(lb, "kept", "newest")
    pruned = await figure(lb, "pruned_entries")
    await log.execute(TWO_WEEKS_OLD)

    async def has_pruned() -> bool:
        return await figure(lb, "pruned_entries") > pruned

    await eventually(has_pruned, "the others are pruned")
    assert (await lb.get("/transactions/lagging-doc")).status_code == 200
    await lab.restart("replica")
    await eventually(lambda: is_quiet(lb), "the replica has caught up")
    await assert_equal(lab, "lagging")
