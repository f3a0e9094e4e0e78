"""Invariant 12: bodies in memory are bounded, and what the bounds cost clients is said to them.

The budget is one megabyte here, so that a few requests fill it.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio

from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.integration.lb.calls import COLLECTIONS, create, eventually, ids_in, is_quiet
from tests.integration.lb.writers import assert_equal

SETTINGS = {
    "BODY_BUDGET_BYTES": "1000000",
    "BODY_WAIT_SECONDS": "3",
    "BODY_TIMEOUT_SECONDS": "3",
    "BODY_QUEUE_LENGTH": "20",
}
BODY_BYTES = 400_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProcessLab]:
    variables = (f"{name}={value}" for name, value in SETTINGS.items())
    settings = ProcessLabSettings(
        tmp_path_factory.mktemp("lab"),
        lb_command=("env", *variables, sys.executable, "-m", "lb"),
        lb_ready_path="/health",
    )
    lab = ProcessLab(settings)
    await lab.start()
    try:
        yield lab
    finally:
        await lab.stop()


def document(name: str, size: int = BODY_BYTES) -> dict[str, object]:
    """Make a body of about that size, of which nearly all is one document's text."""
    return {"ids": [name], "embeddings": [[1.0, 2.0]], "documents": ["x" * size]}


async def add(lb: httpx.AsyncClient, collection: str, name: str) -> httpx.Response:
    return await lb.post(f"{COLLECTIONS}/{collection}/add", json=document(name))


async def memory(lb: httpx.AsyncClient) -> dict[str, int]:
    figures: dict[str, int] = (await lb.get("/status")).json()["memory"]
    return figures


async def holds(lb: httpx.AsyncClient, at_least: int, waiting: int = 0) -> bool:
    figures = await memory(lb)
    return figures["bodies_bytes"] >= at_least and figures["waiting_for_budget"] == waiting


async def holds_nothing(lb: httpx.AsyncClient) -> bool:
    figures = await memory(lb)
    return (figures["bodies_bytes"], figures["waiting_for_budget"]) == (0, 0)


async def test_the_status_shows_the_budget_and_what_windows_memory_allows(
    lb: httpx.AsyncClient,
) -> None:
    figures = await memory(lb)
    assert figures["budget_bytes"] == 1_000_000
    assert 0 < figures["rss_bytes"] < figures["limit_bytes"] <= 400 << 20
    assert figures["pressure"] == round(figures["rss_bytes"] / figures["limit_bytes"], 3) < 0.6
    window = [figures[f"window_{what}"] for what in ("entries", "documents", "bytes")]
    assert window == [500, 300, 4 << 20]


async def test_a_body_beyond_the_longest_is_refused_and_one_beyond_the_budget_passes_alone(
    lb: httpx.AsyncClient,
) -> None:
    await create(lb, "long")
    path = f"{COLLECTIONS}/long/add"
    too_long = await lb.post(path, content=b" " * ((40 << 20) + 1))
    assert (too_long.status_code, too_long.json()["error"]) == (413, "PayloadTooLarge")
    passed = await lb.post(path, json=document("one", 3_000_000))
    assert passed.status_code == 201, passed.text
    await eventually(lambda: holds_nothing(lb), "all is given back")


async def test_a_long_body_for_administration_is_refused(lb: httpx.AsyncClient) -> None:
    path = "/admin/instances/primary/health"
    assert (await lb.post(path, content=b" " * (64 << 10))).status_code == 400
    refused = await lb.post(path, content=b" " * ((64 << 10) + 1))
    assert (refused.status_code, refused.json()["error"]) == (413, "PayloadTooLarge")


async def test_while_the_log_stands_still_others_wait_then_get_503_and_all_recovers(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "stalled")
    await eventually(lambda: is_quiet(lb), "the create is everywhere")
    refused = (await memory(lb))["refused_for_budget"]
    await lab.pause("postgres")
    try:
        held = [asyncio.create_task(add(lb, "stalled", f"d{n}"), name=f"d{n}") for n in range(2)]
        await eventually(lambda: holds(lb, 2 * BODY_BYTES), "the budget is full")
        late = await add(lb, "stalled", "late")
        assert late.status_code == 503
        assert late.headers["Retry-After"] == "1"
        assert late.json()["error"] == "Overloaded"
        assert (await memory(lb))["refused_for_budget"] == refused + 1
    finally:
        await lab.resume("postgres")
    assert [(await each).status_code for each in held] == [201, 201]
    assert (await add(lb, "stalled", "late")).status_code == 201
    await eventually(lambda: is_quiet(lb), "all is applied")
    await eventually(lambda: holds_nothing(lb), "all is given back")
    # The two that were held are concurrent: the log may have them in either order.
    assert set(await ids_in(lb, "stalled")) == {"d0", "d1", "late"}


async def test_when_too_many_wait_the_next_is_refused_at_once(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "crowded")
    await eventually(lambda: is_quiet(lb), "the create is everywhere")
    await lab.pause("postgres")
    try:
        writes = [asyncio.create_task(add(lb, "crowded", f"d{n}"), name=f"d{n}") for n in range(30)]
        await eventually(lambda: holds(lb, 2 * BODY_BYTES, waiting=20), "the queue is full")
        assert (await memory(lb))["bodies_bytes"] <= 1_000_000
    finally:
        await lab.resume("postgres")
    answers = [await each for each in writes]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) >= 8
    assert {answer.json()["error"] for answer in refused} == {"Overloaded"}
    assert any("too many requests wait" in answer.text for answer in refused)
    written = sum(answer.status_code == 201 for answer in answers)
    assert written == 30 - len(refused)
    await eventually(lambda: is_quiet(lb), "all is applied")
    await eventually(lambda: holds_nothing(lb), "all is given back")
    assert len(await ids_in(lb, "crowded")) == written


async def test_a_slow_follower_keeps_no_client_waiting_and_gets_all(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "followed")
    await eventually(lambda: is_quiet(lb), "the create is everywhere")
    names = [f"d{n}" for n in range(8)]
    await lab.pause("replica")
    try:
        for name in names:
            answer = await add(lb, "followed", name)
            assert answer.status_code == 201, answer.text
    finally:
        await lab.resume("replica")
    await eventually(lambda: is_quiet(lb), "the replica has caught up")
    await eventually(lambda: holds_nothing(lb), "all is given back")
    assert await ids_in(lb, "followed") == names
    await assert_equal(lab, "followed")


async def test_a_client_that_goes_in_the_middle_of_its_body_gives_its_share_back(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    port = urlsplit(lab.lb_url).port
    head = f"POST {COLLECTIONS}/x/get HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY_BYTES}\r\n\r\n"
    for _ in range(3):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head.encode() + b"x" * 1000)
        await eventually(lambda: holds(lb, BODY_BYTES), "it is being read")
        writer.transport.abort()
        await eventually(lambda: holds_nothing(lb), "all is given back")


async def test_a_client_that_trickles_is_given_up(lb: httpx.AsyncClient) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"ids":'
        await asyncio.Event().wait()

    trickling = asyncio.create_task(
        lb.post(f"{COLLECTIONS}/x/get", content=slowly()), name="trickling"
    )
    await eventually(lambda: holds(lb, 1), "it is being read")
    await eventually(lambda: holds_nothing(lb), "it is given up")
    trickling.cancel()
