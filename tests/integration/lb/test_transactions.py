"""T2, T3, T5: a client can learn at any time what became of its write."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
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

WRITE_TIMEOUT_SECONDS = 2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProcessLab]:
    """A lab whose load balancer tells clients to wait after two seconds."""
    command = ("env", f"WRITE_TIMEOUT_SECONDS={WRITE_TIMEOUT_SECONDS}", sys.executable, "-m", "lb")
    lab = ProcessLab(ProcessLabSettings(tmp_path_factory.mktemp("lab"), lb_command=command))
    await lab.start()
    try:
        yield lab
    finally:
        await lab.stop()


async def send(
    client: httpx.AsyncClient, collection: str, transaction: str, session: str = "", **body: object
) -> httpx.Response:
    headers = {"Transaction-ID": transaction, "Client-Session": session}
    return await client.post(f"{COLLECTIONS}/{collection}/add", json=body, headers=headers)


async def state(client: httpx.AsyncClient, transaction: str) -> str:
    answer = await client.get(f"/transactions/{quote(transaction, safe='')}")
    return str(answer.json().get("state", answer.status_code))


async def listed(client: httpx.AsyncClient, **filters: object) -> list[dict[str, Any]]:
    answer = await client.get("/transactions", params=filters)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["transactions"])


async def test_a_completed_and_a_failed_write_are_told_with_their_outcomes(
    lb: httpx.AsyncClient,
) -> None:
    logical = await create(lb, "told")
    good = await send(lb, "told", "told/1?%", "cms-1", ids=["a"], embeddings=[[1, 2]])
    bad = await send(lb, "told", "told-2", "cms-1", ids=["b"], embeddings=[[1, 2, 3]])
    assert (good.status_code, bad.status_code) == (201, 400)
    in_memory = (await lb.get(f"/transactions/{quote('told/1?%', safe='')}")).json()
    await eventually(lambda: is_quiet(lb), "the entries have left the memory")
    for transaction, answer, expected in (
        ("told/1?%", good, "COMPLETED"),
        ("told-2", bad, "FAILED"),
    ):
        told = (await lb.get(f"/transactions/{quote(transaction, safe='')}")).json()
        assert told["state"] == expected
        assert told["transaction_id"] == transaction
        assert (told["status"], told["body"]) == (answer.status_code, answer.json())
        assert (told["kind"], told["path"]) == ("add", f"{COLLECTIONS}/told/add")
        assert (told["collection_id"], told["session"]) == (logical, "cms-1")
        assert told["attempts"] in (1, 2), "a slow first instance is not waited for"
        assert told["logged_at"] <= told["settled_at"]
        if transaction == "told/1?%":
            assert told == in_memory, "memory and PostgreSQL say different things"


async def test_an_unknown_transaction_is_not_found(lb: httpx.AsyncClient) -> None:
    answer = await lb.get(f"/transactions/{uuid4()}")
    assert answer.status_code == 404
    assert "not in the log" in answer.json()["message"]


async def test_a_write_without_any_instance_is_recovered_and_the_client_polls_to_completion(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "recovered")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    before = (await lb.get("/status")).json()["transactions"]["by_state"]
    await lab.kill("primary")
    await lab.kill("replica")
    answer = await send(lb, "recovered", "t3", ids=["late"], embeddings=[[1, 2]])
    assert answer.status_code == 503
    assert answer.headers["Transaction-ID"] == "t3"
    assert int(answer.headers["Retry-After"]) >= 1
    assert await state(lb, "t3") == "ATTEMPTING"
    assert [each["transaction_id"] for each in await listed(lb, state="ATTEMPTING")] == ["t3"]
    figures = (await lb.get("/status")).json()["transactions"]
    assert figures["by_state"]["ATTEMPTING"] == 1

    await lab.restart("replica")

    async def is_recovered() -> bool:
        return await state(lb, "t3") == "RECOVERED"

    await eventually(is_recovered, "the write is recovered")
    repeated = await send(lb, "recovered", "t3", ids=["late"], embeddings=[[1, 2]])
    assert repeated.status_code == 201
    await lab.restart("primary")
    await eventually(lambda: is_quiet(lb), "the primary has caught up")
    assert await ids_on_instances(lab, "recovered") == {"primary": ["late"], "replica": ["late"]}
    assert [each["transaction_id"] for each in await listed(lb, state="RECOVERED")] == ["t3"]
    told = (await lb.get("/transactions/t3")).json()
    assert (told["status"], told["told_to_wait"]) == (201, True)
    assert told["seconds"] >= WRITE_TIMEOUT_SECONDS
    figures = (await lb.get("/status")).json()["transactions"]
    assert figures["by_state"]["RECOVERED"] == before["RECOVERED"] + 1
    assert figures["by_state"]["ATTEMPTING"] == 0
    assert figures["recovery_seconds"]["worst"] == told["seconds"]
    metrics = (await lb.get("/metrics")).text
    assert 'chroma_lb_transactions{state="RECOVERED"} 1.0' in metrics
    assert 'chroma_lb_recovery_seconds{statistic="worst"}' in metrics


async def test_a_recovered_write_that_is_refused_has_failed(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "refused-late")
    await add(lb, "refused-late", "a")
    await lab.kill("primary")
    await lab.kill("replica")
    answer = await send(lb, "refused-late", "t3-bad", ids=["b"], embeddings=[[1, 2, 3]])
    assert answer.status_code == 503
    await lab.restart("primary")

    async def has_failed() -> bool:
        return await state(lb, "t3-bad") == "FAILED"

    await eventually(has_failed, "the refusal is known")
    assert await ids_in(lb, "refused-late") == ["a"]


async def test_writes_that_a_killed_load_balancer_left_unanswered_are_recovered(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "left")
    assert (await send(lb, "left", "answered", ids=["a"], embeddings=[[1, 2]])).is_success
    # What is pending from now on is the write that nobody can apply.
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    await lab.kill("primary")
    await lab.kill("replica")
    waiting = asyncio.create_task(send(lb, "left", "unanswered", ids=["b"], embeddings=[[1, 2]]))

    async def is_logged() -> bool:
        return (await lb.get("/wal/status")).json()["pending_entries"]["primary"] == 1

    await eventually(is_logged, "the write is logged")
    await lab.kill("lb")
    with pytest.raises(httpx.HTTPError):
        await waiting
    # The primary is up again when the load balancer is.
    await lab.restart("primary")
    await lab.restart("lb")

    async def is_recovered() -> bool:
        return await state(lb, "unanswered") == "RECOVERED"

    await eventually(is_recovered, "the write is recovered")
    assert await state(lb, "answered") == "COMPLETED"
    await lab.kill("lb")
    await lab.restart("lb")

    async def remembers() -> bool:
        return await state(lb, "unanswered") == "RECOVERED"

    await eventually(remembers, "the state has outlived a restart")
    assert await ids_in(lb, "left") == ["a", "b"]


async def test_a_listing_is_newest_first_and_obeys_each_filter(lb: httpx.AsyncClient) -> None:
    await create(lb, "listed")
    logical = await create(lb, "listed-2")
    for number in range(3):
        await send(lb, "listed", f"l-{number}", "cms-l", ids=[f"{number}"], embeddings=[[1, 2]])
    middle = datetime.now(UTC)
    await send(lb, "listed", "l-3", "cms-m", ids=["3"], embeddings=[[1]])
    await send(lb, "listed-2", "l-4", "cms-l", ids=["4"], embeddings=[[1, 2]])

    async def ids(**filters: object) -> list[str]:
        return [each["transaction_id"] for each in await listed(lb, **filters)]

    for moment in ("in memory", "in PostgreSQL"):
        assert (await ids())[:5] == ["l-4", "l-3", "l-2", "l-1", "l-0"], moment
        assert await ids(limit=2) == ["l-4", "l-3"], moment
        assert await ids(session="cms-l") == ["l-4", "l-2", "l-1", "l-0"], moment
        assert await ids(session="cms-l", collection="listed") == ["l-2", "l-1", "l-0"], moment
        assert (await ids(collection=logical))[0] == "l-4", moment
        assert await ids(since=middle.isoformat()) == ["l-4", "l-3"], moment
        assert (await ids(state="FAILED"))[0] == "l-3", moment
        assert await ids(collection="listed", state="FAILED") == ["l-3"], moment
        assert await ids(collection="nowhere") == [], moment
        assert await ids(state="ATTEMPTING") == [], moment
        await eventually(lambda: is_quiet(lb), "the entries have left the memory")


@pytest.mark.parametrize(
    "query",
    [
        "state=completed",
        "limit=0",
        "limit=1001",
        "limit=ten",
        "limit=%2B5",
        "since=yesterday",
        "since=2026-01-01T00:00:00",
        "colour=red",
        "limit=1&limit=2",
        "session=%00",
        "session=%FF%00",
    ],
)
async def test_a_bad_filter_is_refused(lb: httpx.AsyncClient, query: str) -> None:
    answer = await lb.get(f"/transactions?{query}")
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"]


async def test_without_postgres_a_transaction_that_is_not_in_memory_cannot_be_told(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "untold")
    assert (await send(lb, "untold", "untold-1", ids=["a"], embeddings=[[1, 2]])).is_success
    await eventually(lambda: is_quiet(lb), "the entry has left the memory")
    await lab.kill("postgres")
    answer = await lb.get("/transactions/untold-1")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert (await lb.get("/transactions")).status_code == 503
    await lab.restart("postgres")

    async def is_told() -> bool:
        return await state(lb, "untold-1") == "COMPLETED"

    await eventually(is_told, "the transaction is told again")
