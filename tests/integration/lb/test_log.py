"""F2: a write is durable in PostgreSQL before it is routed; the log settles what is in doubt."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

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


async def logged(lab: ProcessLab, statement: str, *values: object) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(lab.urls()["postgres"])
    try:
        return [dict(row) for row in await connection.fetch(statement, *values)]
    finally:
        await connection.close()


async def test_a_write_is_in_the_log_with_its_circumstances_and_outcome(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "audited")
    headers = {"Transaction-ID": "audit-1", "Client-Session": "cms-7"}
    body = {"ids": ["a"], "embeddings": [[1, 2]]}
    answer = await lb.post(f"{COLLECTIONS}/audited/add", json=body, headers=headers)
    assert answer.headers["Transaction-ID"] == "audit-1"

    async def settled() -> dict[str, Any] | None:
        (row,) = await logged(lab, "select * from wal where transaction_id = 'audit-1'")
        return row if row["outcome_status"] else None

    row = await eventually(settled, "the outcome is in the log")
    assert row["outcome_status"] == 201
    assert row["kind"] == "add"
    assert row["session"] == "cms-7"
    assert row["body"] == answer.request.content
    assert row["logged_at"] <= row["settled_at"]


async def test_a_repeated_transaction_is_applied_once_and_gets_the_stored_outcome(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "once")
    headers = {"Transaction-ID": str(uuid4())}
    path = f"{COLLECTIONS}/once/delete"
    await add(lb, "once", "a", "b")
    body = {"where_document": {"$contains": "text"}, "limit": 1}
    first = await lb.post(path, json=body, headers=headers)
    await eventually(lambda: is_quiet(lb), "the delete is applied everywhere")
    repeats = await asyncio.gather(*(lb.post(path, json=body, headers=headers) for _ in range(5)))
    assert {(r.status_code, r.text) for r in repeats} == {(first.status_code, first.text)}
    assert await ids_in(lb, "once") == ["b"]
    other = await lb.post(path, json={"ids": ["b"]}, headers=headers)
    assert other.status_code == 422
    assert await ids_in(lb, "once") == ["b"]
    rows = await logged(
        lab, "select 1 from wal where transaction_id = $1", headers["Transaction-ID"]
    )
    assert len(rows) == 1


@pytest.mark.parametrize("value", ["", "two words", "x" * 201])
async def test_a_malformed_transaction_id_is_refused(lb: httpx.AsyncClient, value: str) -> None:
    headers = {"Transaction-ID": value}
    answer = await lb.post(COLLECTIONS, json={"name": "never-made"}, headers=headers)
    assert answer.status_code == 400
    assert (await lb.get(f"{COLLECTIONS}/never-made")).status_code == 404


async def test_without_postgres_writes_are_refused_without_effect_and_reads_go_on(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "outage")
    await add(lb, "outage", "before")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    await lab.kill("postgres")

    async def refused() -> bool:
        return (await add(lb, "outage", "never")).status_code == 503

    await eventually(refused, "a write is refused")
    answer = await add(lb, "outage", "never")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    refusals = [
        await lb.post(COLLECTIONS, json={"name": "outage-2"}),
        await lb.delete(f"{COLLECTIONS}/outage"),
        await lb.put(f"{COLLECTIONS}/outage", json={"new_name": "outage-3"}),
    ]
    assert {refusal.status_code for refusal in refusals} == {503}
    assert await ids_in(lb, "outage") == ["before"]
    health = await lb.get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "degraded"), "it still reads"
    await lab.restart("postgres")

    async def accepted() -> bool:
        return (await add(lb, "outage", "after")).status_code == 201

    await eventually(accepted, "writes are taken again")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    found = await ids_on_instances(lab, "outage")
    assert set(map(tuple, found.values())) == {("before", "after")}
    await create(lb, "outage-2")
    assert (await lb.put(f"{COLLECTIONS}/outage", json={"new_name": "outage-3"})).status_code == 200


async def test_clients_at_work_while_postgres_dies_learn_nothing_wrong(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """A 2xx is applied everywhere; a 503 that the log does not hold is applied nowhere."""
    await create(lb, "commit-doubt")
    outcomes: dict[str, int] = {}
    stop = asyncio.Event()

    async def work(worker: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            written = f"w{worker}-{number}"
            outcomes[written] = (await add(lb, "commit-doubt", written)).status_code

    workers = [asyncio.create_task(work(n), name=f"worker {n}") for n in range(4)]

    async def acknowledged_more_than(count: int) -> bool:
        return sum(status == 201 for status in outcomes.values()) > count

    for _ in range(3):
        before = sum(status == 201 for status in outcomes.values())
        await eventually(lambda: acknowledged_more_than(before + 10), "writes succeed")  # noqa: B023
        await lab.kill("postgres")
        await lab.restart("postgres")
    before = sum(status == 201 for status in outcomes.values())
    await eventually(lambda: acknowledged_more_than(before + 10), "writes succeed")
    stop.set()
    await asyncio.gather(*workers)
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    rows = await logged(lab, "select convert_from(body, 'utf8') as body from wal")
    in_log = {name for name in outcomes for row in rows if f'"{name}"' in row["body"]}
    found = await ids_on_instances(lab, "commit-doubt")
    for ids in found.values():
        assert {name for name, status in outcomes.items() if status == 201} <= set(ids)
        assert set(ids) == in_log
    assert set(outcomes.values()) <= {201, 503}


async def test_a_killed_load_balancer_goes_on_where_it_was(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    logical = await create(lb, "reborn")
    await create(lb, "reborn-dropped")
    await lab.kill("replica")
    acknowledged = [f"d{n}" for n in range(10)]
    for written in acknowledged:
        assert (await add(lb, "reborn", written)).status_code == 201
    assert (await lb.delete(f"{COLLECTIONS}/reborn-dropped")).status_code == 200
    await create(lb, "reborn-dropped", metadata={"second": True})
    renamed = await lb.put(f"{COLLECTIONS}/reborn", json={"new_name": "reborn-renamed"})
    assert renamed.status_code == 200
    burst = [asyncio.create_task(add(lb, "reborn-renamed", f"doubt{n}")) for n in range(8)]

    async def one_is_logged() -> bool:
        rows = await logged(lab, "select 1 from wal where body like '%doubt%'")
        return bool(rows)

    await eventually(one_is_logged, "a write of the burst is in the log")
    await lab.kill("lb")
    answers = await asyncio.gather(*burst, return_exceptions=True)
    acknowledged += [
        f"doubt{n}"
        for n, answer in enumerate(answers)
        if isinstance(answer, httpx.Response) and answer.status_code == 201
    ]
    await lab.restart("replica")
    await lab.restart("lb")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    assert (await lb.get(f"{COLLECTIONS}/reborn-renamed")).json()["id"] == logical
    found = await ids_on_instances(lab, "reborn-renamed")
    assert found["primary"] == found["replica"]
    assert set(acknowledged) <= set(found["primary"])
    assert (await lb.get(f"{COLLECTIONS}/reborn-dropped")).json()["metadata"] == {"second": True}


async def test_figures_of_the_log_are_true(lb: httpx.AsyncClient, lab: ProcessLab) -> None:
    await create(lb, "figures")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    before = (await lb.get("/wal/status")).json()
    await lab.kill("replica")
    for number in range(5):
        await add(lb, "figures", f"d{number}")

    async def primary_is_done() -> dict[str, Any] | None:
        """An acknowledged entry is pending until the cursor past it is committed."""
        status: dict[str, Any] = (await lb.get("/wal/status")).json()
        assert status["pending_entries"]["replica"] == 5
        return status if status["pending_entries"]["primary"] == 0 else None

    status = await eventually(primary_is_done, "the primary's cursor is committed")
    assert status["appended"] - before["appended"] == 5
    assert status["oldest_pending_age_seconds"] > 0
    in_log = await logged(
        lab,
        "select count(*) as n from wal w where not exists (select 1 from cursors c "
        "where c.lane_id = w.lane_id and c.instance = 'replica' and c.position >= w.position)",
    )
    assert in_log == [{"n": 5}]
    metrics = (await lb.get("/metrics")).text
    assert 'chroma_lb_pending_entries{instance="replica"} 5.0' in metrics
    assert "chroma_lb_healthy_instances 1.0" in metrics
    await lab.restart("replica")
    await eventually(lambda: is_quiet(lb), "the replica has caught up")
    after = (await lb.get("/wal/status")).json()
    assert after["successful_syncs"] - before["successful_syncs"] == 10
    assert after["failed_syncs"] >= before["failed_syncs"]
    assert after["failed_syncs"] < after["sync_cycles"]
    assert after["sync_cycles"] <= after["successful_syncs"] + after["failed_syncs"]
    assert after["oldest_pending_age_seconds"] == 0


async def test_the_log_finds_its_rows_by_their_keys_however_small_it_was_at_the_start(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """A plan for an empty table reads the whole of it for each outcome when it has grown."""
    await create(lb, "planned")
    counted = "select seq_scan, n_tup_upd from pg_stat_user_tables where relname = 'wal'"
    (before,) = await logged(lab, counted)
    for number in range(12):
        assert (await add(lb, "planned", f"d{number}")).status_code == 201

    async def after() -> dict[str, Any] | None:
        (row,) = await logged(lab, counted)
        return row if row["n_tup_upd"] >= before["n_tup_upd"] + 12 else None

    counts = await eventually(after, "PostgreSQL has counted the outcomes, a second later")
    assert counts["seq_scan"] == before["seq_scan"]
