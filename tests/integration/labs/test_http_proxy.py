"""The HTTP fault proxy before real Chroma servers: unseen without a fault, and true with one."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from harness.client.api import COLLECTIONS, HEARTBEAT
from harness.errors import FaultError, UnsupportedFaultError
from harness.faults import proof
from harness.faults.base import Fault, refuse_unsupported
from harness.faults.drop_answer import DropAnswers
from harness.faults.errors import Errors
from harness.faults.fail_first import FailFirst
from harness.faults.hold import HoldRequests
from harness.faults.kill import Kill
from harness.faults.registry import fault_named
from harness.http_proxy.rules import What
from harness.labs.base import Capability, Need
from harness.labs.processes import ProcessLab, ProcessLabSettings
from harness.polling import poll_until
from harness.triggers.registry import trigger_named
from tests.integration.labs.conftest import FORWARDING_LB

pytestmark = pytest.mark.real

INTERCEPTED = frozenset({Need(Capability.INTERCEPT, "primary")})

FAULTS = [
    Errors("primary"),
    Errors("primary", 429, What.UPSERT),
    FailFirst("primary", 2, 500),
    DropAnswers("primary", 2),
    HoldRequests("primary", 1, 1, What.UPSERT),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessLab]:
    path = tmp_path_factory.mktemp("intercepting") / "run"
    made = ProcessLab(ProcessLabSettings(path, lb_command=FORWARDING_LB, needs=INTERCEPTED))
    asyncio.run(made.start())
    yield made
    asyncio.run(made.stop())


@asynccontextmanager
async def both_ways(lab: ProcessLab) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Clients of the primary itself, and of the primary behind the proxies."""
    urls = (lab.urls()["primary"], lab.proxied_urls()["primary"])
    direct, proxied = (httpx.AsyncClient(base_url=url, timeout=30) for url in urls)
    async with direct, proxied:
        yield direct, proxied


async def collection(client: httpx.AsyncClient, name: str) -> str:
    answer = await client.post(COLLECTIONS, json={"name": name, "get_or_create": True})
    return f"{COLLECTIONS}/{answer.json()['id']}"


def documents(count: int, first: int = 0) -> dict[str, list[object]]:
    numbers = range(first, first + count)
    return {
        "ids": [f"doc{n}" for n in numbers],
        "documents": ["text " * 50 for _ in numbers],
        "embeddings": [[float(n), 1.0] for n in numbers],
    }


@asynccontextmanager
async def writing(lab: ProcessLab) -> AsyncIterator[None]:
    """Have somebody write and look for signs of life all the time, whatever comes of it."""
    async with both_ways(lab) as (direct, proxied):
        path = await collection(direct, "written")

        async def write() -> None:
            while True:
                with suppress(httpx.HTTPError):
                    await proxied.post(f"{path}/upsert", json=documents(1))

        writers = asyncio.create_task(write(), name="writers")
        try:
            yield
        finally:
            writers.cancel()
            with suppress(asyncio.CancelledError):
                await writers


async def test_chroma_answers_the_same_through_the_proxy(lab: ProcessLab) -> None:
    async def ask(client: httpx.AsyncClient, name: str) -> list[tuple[int, object, object]]:
        path = await collection(client, name)
        big = documents(500)

        async def in_pieces() -> AsyncIterator[bytes]:
            yield b'{"ids": ["doc1"],'
            yield b' "include": []}'

        answers = [
            await client.post(f"{path}/add", json=big),
            await client.post(f"{path}/add", json={"ids": [""], "embeddings": [[1.0, 2.0]]}),
            await client.post(f"{path}/upsert", json={"ids": 7}),
            await client.post(f"{path}/get", json={"limit": 2000}),
            await client.post(f"{path}/get", content=in_pieces()),
            await client.post(f"{path}/query", json={"query_embeddings": [[1.0, 1.0]]}),
            await client.get(f"{path}/count?read_level=index_and_wal"),
            await client.head(HEARTBEAT),
            await client.get("/api/v1/heartbeat"),
            await client.post(f"{path}/delete", json={"ids": ["doc1"]}),
            await client.delete(f"{COLLECTIONS}/{name}"),
            await client.delete(f"{COLLECTIONS}/{name}"),
        ]
        return [shape(answer) for answer in answers]

    def shape(answer: httpx.Response) -> tuple[int, object, object]:
        headers = [(name, value) for name, value in answer.headers.raw if name != b"date"]
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "UUID", answer.text)
        return answer.status_code, headers, text.replace("behind", "direct")

    async with both_ways(lab) as (direct, proxied):
        expected, found = await ask(direct, "direct"), await ask(proxied, "behind")
    assert {status for status, _, _ in expected} >= {200, 201, 400, 404, 410}
    assert found == expected


async def test_requests_at_the_same_time_each_get_their_own_answer(lab: ProcessLab) -> None:
    async with both_ways(lab) as (direct, proxied):
        path = await collection(direct, "beside")
        await direct.post(f"{path}/add", json=documents(40))

        async def get(number: int) -> object:
            answer = await proxied.post(f"{path}/get", json={"ids": [f"doc{number}"]})
            return answer.json()["ids"]

        found = await asyncio.gather(*(get(number) for number in range(40)))
    assert found == [[f"doc{number}"] for number in range(40)]


async def test_a_server_that_dies_is_seen_to_die_and_to_return_through_the_proxy(
    lab: ProcessLab,
) -> None:
    async with both_ways(lab) as (_, proxied):
        assert (await proxied.get(HEARTBEAT)).status_code == 200
        fault = Kill("primary")
        await fault.inject(lab)
        try:
            with pytest.raises(httpx.HTTPError):
                await proxied.get(HEARTBEAT)
        finally:
            await fault.heal(lab)
        await fault.prove_healed(lab)
        assert (await proxied.get(HEARTBEAT)).status_code == 200


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_is_seen_to_take_effect_on_requests_and_to_heal(
    lab: ProcessLab, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_unsupported(fault, lab)
    async with writing(lab):
        await fault.inject(lab)
        try:
            assert await fault.prove_effect(lab)
            monkeypatch.setattr(proof, "PROOF_SECONDS", 0.2)
            with pytest.raises(FaultError, match="still does its work"):
                await fault.prove_healed(lab)
        finally:
            monkeypatch.undo()
            await fault.heal(lab)
        assert await fault.prove_healed(lab)
        await fault.heal(lab)
        monkeypatch.setattr(proof, "PROOF_SECONDS", 0.2)
        with pytest.raises(FaultError, match="too few requests came by"):
            await fault.prove_effect(lab)


@pytest.mark.parametrize("fault", FAULTS[1:], ids=lambda fault: fault.name)
async def test_without_a_request_that_is_meant_there_is_no_proof_of_an_effect(
    lab: ProcessLab, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "PROOF_SECONDS", 0.2)
    await fault.inject(lab)
    try:
        with pytest.raises(FaultError, match="0 came, 0 met their fate"):
            await fault.prove_effect(lab)
    finally:
        await fault.heal(lab)


@pytest.mark.parametrize("words", ["drop-answer primary 1 add", "hold primary 1 1 add"])
async def test_chroma_has_carried_out_what_nobody_was_told_of(lab: ProcessLab, words: str) -> None:
    fault = fault_named(words)
    async with both_ways(lab) as (direct, proxied):
        path = await collection(direct, words.replace(" ", "-"))
        await fault.inject(lab)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadTimeout)):
            await proxied.post(f"{path}/add", json=documents(1), timeout=0.5)
        evidence = await fault.prove_effect(lab)
        await fault.heal(lab)
        await fault.prove_healed(lab)
        assert (await direct.get(f"{path}/count")).json() == 1
    assert ("client was gone" in evidence) == words.startswith("hold")


@pytest.mark.parametrize(("event", "seen"), [("request-arrived", 0), ("response-left", 1)])
async def test_an_event_stops_a_request_before_or_after_chroma_and_lets_it_go_on(
    lab: ProcessLab, event: str, seen: int
) -> None:
    trigger = trigger_named(f"{event} primary add")
    await trigger.refuse_unsupported(lab)
    async with both_ways(lab) as (direct, proxied):
        path = await collection(direct, event)
        before_ns = time.monotonic_ns()

        async def is_awaited() -> bool:
            return (await lab.interceptor().tally("primary", trigger.name)).in_force

        async def add() -> httpx.Response:
            await poll_until(is_awaited, 20, lambda: FaultError("nobody waits for the event"))
            return await proxied.post(f"{path}/add", json=documents(1))

        request = asyncio.create_task(add())
        async with trigger.event(lab) as sighting:
            assert before_ns < sighting.at_ns < time.monotonic_ns()
            assert sighting.what.startswith("POST ")
            assert (await direct.get(f"{path}/count")).json() == seen
            assert not request.done()
        assert (await request).status_code == 201
        assert (await direct.get(f"{path}/count")).json() == 1


async def test_a_load_balancer_without_our_log_has_no_entries_to_see(lab: ProcessLab) -> None:
    with pytest.raises(UnsupportedFaultError, match="no table `wal`"):
        await trigger_named("entry-visible").refuse_unsupported(lab)


@pytest.mark.parametrize("words", ["errors postgres 500", "hold lb 3"])
def test_a_server_without_the_proxy_before_it_is_refused(lab: ProcessLab, words: str) -> None:
    with pytest.raises(UnsupportedFaultError, match="there is one before primary, replica"):
        refuse_unsupported(fault_named(words), lab)


def test_a_lab_without_the_proxy_refuses_its_faults(tmp_path: Path) -> None:
    without = ProcessLab(ProcessLabSettings(tmp_path))
    with pytest.raises(UnsupportedFaultError, match="needs intercept, which lab processes cannot"):
        refuse_unsupported(Errors("primary"), without)


async def test_a_proxy_that_is_started_anew_still_has_its_rules(lab: ProcessLab) -> None:
    fault = Errors("primary", 500, What.HEARTBEAT)
    async with both_ways(lab) as (_, proxied):
        await fault.inject(lab)
        await lab.restart("http-proxy")
        assert (await proxied.get(HEARTBEAT)).status_code == 500
        await fault.heal(lab)
        assert (await proxied.get(HEARTBEAT)).status_code == 200
