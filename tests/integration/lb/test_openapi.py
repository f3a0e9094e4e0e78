"""The OpenAPI document is true: every answer that it describes is seen, in the described shape."""

import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator

from harness.labs.processes import ProcessLab, ProcessLabSettings
from lb.openapi import DOCUMENT
from lb.watchers import MOST_WATCHERS
from tests.integration.lb.calls import COLLECTIONS, eventually
from tests.integration.lb.failing_proxy import FailingProxy, nothing_fails
from tests.integration.lb.movable_log import Log, is_refused, lb_on

STRANGE = b"strange-document"
TOKENS = ("ADMIN_TOKEN=for-admins", "CLIENT_TOKEN=for-clients")
ADMIN = {"Authorization": "Bearer for-admins"}
CLIENT = {"Authorization": "Bearer for-clients"}
METHODS = {"get": "GET", "post": "POST"}
Seen = dict[tuple[str, str, str], httpx.Response]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def primary() -> AsyncIterator[FailingProxy]:
    """In front of the primary: it can fail writes."""
    proxy = FailingProxy()
    await proxy.start()
    yield proxy
    await proxy.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(
    tmp_path_factory: pytest.TempPathFactory, primary: FailingProxy
) -> AsyncIterator[ProcessLab]:
    changes = (f"PRIMARY_URL={primary.url}", "STANDBY_HOLD_SECONDS=0.1", "WRITE_TIMEOUT_SECONDS=1")
    settings = ProcessLabSettings(
        tmp_path_factory.mktemp("lab"),
        lb_command=("env", *changes, *TOKENS, sys.executable, "-m", "lb"),
        lb_ready_path="/health",
    )
    lab = ProcessLab(settings)
    await lab.start()
    primary.upstream_url = lab.instances[0].url
    try:
        yield lab
    finally:
        await lab.stop()


def documented() -> set[tuple[str, str, str]]:
    return {
        (path, method, status)
        for path, methods in DOCUMENT["paths"].items()
        for method, described in methods.items()
        for status in described["responses"]
    }


async def note(
    seen: Seen, client: httpx.AsyncClient, path: str, method: str = "get", **options: Any
) -> None:
    """Ask, and file the answer under the path of the document that fits."""
    patterns = {each: re.sub(r"\{\w+\}", ".+", each) for each in DOCUMENT["paths"]}
    plain = path.split("?")[0]
    exact = [each for each, pattern in patterns.items() if re.fullmatch(pattern, plain)]
    answer = await client.request(METHODS[method], path, **options)
    seen[(exact[0], method, str(answer.status_code))] = answer


async def test_every_documented_answer_is_seen_and_has_its_shape(
    lab: ProcessLab, primary: FailingProxy, tmp_path: Path
) -> None:
    seen: Seen = {}
    async with httpx.AsyncClient(base_url=lab.lb_url, timeout=30) as client:

        async def is_up() -> bool:
            return (await client.get("/status", headers=CLIENT)).json()["healthy_instances"] == 2

        await eventually(is_up, "the instances are healthy")
        await see_service(seen, client)
        await see_page(seen, client)
        await see_conflict(seen, client, lab)
        await see_quarantine(seen, client, primary)
        await see_refusals(seen, client)
        await lab.kill("lb")
        await lab.kill("postgres")
        await lab.restart("lb")
        await see_standby(seen, client)
        await lab.restart("postgres")
        await eventually(is_up, "the instances are healthy")
        for name in ("primary", "replica"):
            path, body = f"/admin/instances/{name}/health", {"healthy": False}
            await note(seen, client, path, "post", json=body, headers=ADMIN)
    await see_take_over(seen, lab, Log(lab, tmp_path))
    assert set(seen) == documented()
    for (path, method, status), answer in seen.items():
        check_shape(DOCUMENT["paths"][path][method]["responses"][status], answer)


async def see_service(seen: Seen, client: httpx.AsyncClient) -> None:
    headers = {**CLIENT, "Transaction-ID": "t1"}
    await client.post(COLLECTIONS, json={"name": "described"}, headers=headers)

    async def is_complete() -> bool:
        answer = await client.get("/collection/mappings", headers=CLIENT)
        return bool(answer.json()["mappings"][0]["complete"])

    await eventually(is_complete, "both instances have the collection")
    simple = ("/status", "/wal/status", "/collection/mappings", "/metrics", "/openapi.json")
    simple += ("/collection/unmanaged",)
    for path in ("/health", *simple, "/transactions", "/transactions/t1", "/transactions?limit=x"):
        await note(seen, client, path, headers=CLIENT)
    await note(seen, client, "/transactions/unknown", headers=CLIENT)
    await note(seen, client, "/admin/instances", headers=ADMIN)
    await note(seen, client, "/admin/compare", "post", headers=ADMIN)
    (mapping,) = seen[("/collection/mappings", "get", "200")].json()["mappings"]
    ids = {f"{name}_id": uuid for name, uuid in mapping["uuids"].items()}
    for body in ({"collection_name": mapping["name"], **ids}, {}):
        await note(seen, client, "/admin/create_mapping", "post", json=body, headers=ADMIN)
    repair = "/admin/collections/{}/repair"
    await note(seen, client, repair.format("described"), "post", headers=ADMIN)
    await note(seen, client, repair.format("nowhere"), "post", headers=ADMIN)
    body = {"from": "nobody"}
    await note(seen, client, repair.format("described"), "post", json=body, headers=ADMIN)
    path = "/admin/instances/{}/health"
    await note(seen, client, path.format("nobody"), "post", json={"healthy": True}, headers=ADMIN)
    await note(seen, client, path.format("primary"), "post", json={"healthy": 1}, headers=ADMIN)


async def see_page(seen: Seen, client: httpx.AsyncClient) -> None:
    for path in ("/", "/page/page.css", "/page/nothing"):
        await note(seen, client, path, headers=CLIENT)
    streams: list[AsyncIterator[str]] = []
    async with AsyncExitStack() as stack:
        for _ in range(MOST_WATCHERS):
            opened = client.stream("GET", "/events", headers=CLIENT)
            stream = await stack.enter_async_context(opened)
            streams.append(stream.aiter_text())  # Let go, it would close the connection.
            first = await anext(streams[-1])
            seen[("/events", "get", "200")] = httpx.Response(
                stream.status_code, headers=stream.headers, text=first, request=stream.request
            )
        await note(seen, client, "/events", headers=CLIENT)


async def see_conflict(seen: Seen, client: httpx.AsyncClient, lab: ProcessLab) -> None:
    """A collection that only the replica has cannot be repaired from the primary."""
    async with httpx.AsyncClient(base_url=lab.instances[1].url, timeout=30) as direct:
        await direct.post(COLLECTIONS, json={"name": "lonely"})
    path, body = "/admin/collections/lonely/repair", {"from": "primary"}
    await note(seen, client, path, "post", json=body, headers=ADMIN)


async def see_quarantine(seen: Seen, client: httpx.AsyncClient, primary: FailingProxy) -> None:
    body = {"ids": [STRANGE.decode()], "embeddings": [[1.0]]}

    async def is_up() -> bool:
        instances = (await client.get("/admin/instances", headers=ADMIN)).json()["instances"]
        return all(each["state"] == "UP" for each in instances)

    async def is_held() -> bool:
        return bool((await client.get("/wal/quarantine", headers=CLIENT)).json()["count"])

    for decision in ("release", "discard"):
        path = "/admin/quarantine/{}/" + decision
        await eventually(is_up, "the primary takes writes")
        primary.be_poisoned_by(STRANGE)
        waiting = ["strange-" + decision, "waiting-" + decision]
        for each in waiting:
            headers = {**CLIENT, "Transaction-ID": each}
            await client.post(f"{COLLECTIONS}/described/upsert", json=body, headers=headers)
        await eventually(is_held, "the strange write is quarantined")
        await note(seen, client, "/wal/quarantine", headers=CLIENT)
        for each in ("nobody", *reversed(waiting)):
            await note(seen, client, path.format(each), "post", headers=ADMIN)
        primary.fails = nothing_fails


async def see_refusals(seen: Seen, client: httpx.AsyncClient) -> None:
    for path, method, status in documented():
        if status == "401":
            filled = path.format(id="t1", name="primary", file="page.css")
            await note(seen, client, filled, method)
        if status == "403":
            filled = path.format(id="t1", name="primary")
            await note(seen, client, filled, method, headers=CLIENT)


async def see_standby(seen: Seen, client: httpx.AsyncClient) -> None:
    for path in ("/transactions", "/transactions/t1", "/collection/unmanaged", "/wal/quarantine"):
        await note(seen, client, path, headers=CLIENT)
    for decision in ("release", "discard"):
        await note(seen, client, f"/admin/quarantine/t1/{decision}", "post", headers=ADMIN)
    await note(seen, client, "/admin/create_mapping", "post", json={}, headers=ADMIN)
    await note(seen, client, "/admin/compare", "post", headers=ADMIN)
    await note(seen, client, "/admin/collections/described/repair", "post", headers=ADMIN)
    await note(seen, client, "/admin/log/take-over", "post", headers=ADMIN)


async def see_take_over(seen: Seen, lab: ProcessLab, log: Log) -> None:
    """An empty log is not the one that the instances were written from."""
    await lab.kill("lb")
    await log.begin_anew()
    async with lb_on(log, lab, until=is_refused) as client:
        await note(seen, client, "/health")
        identity = (await client.get("/status")).json()["identity"]
        (writer,) = {each["log_id"] for each in identity["marks"].values()} - {None}
        for body in ({}, {"from_log": "unknown"}, {"from_log": writer}):
            await note(seen, client, "/admin/log/take-over", "post", json=body)


def check_shape(described: dict[str, Any], answer: httpx.Response) -> None:
    ((content_type, content),) = described["content"].items()
    assert answer.headers["Content-Type"].split(";")[0] == content_type
    value = answer.json() if content_type == "application/json" else answer.text
    errors = [
        f"{answer.request.url}: {list(error.absolute_path)}: {error.message}"
        for error in Draft202012Validator(content["schema"]).iter_errors(value)
    ]
    assert errors == []
