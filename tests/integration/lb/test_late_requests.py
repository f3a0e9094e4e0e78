"""Invariant 13: a write that was given up may arrive late; newer values survive it all the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from harness.labs.base import Toxic
from harness.labs.ports import PortReservations
from harness.labs.processes import ProcessLab
from tests.integration.lb.calls import COLLECTIONS, create, eventually, is_quiet
from tests.integration.lb.late_proxy import LateProxy
from tests.integration.lb.test_start import another_lb, environment


@asynccontextmanager
async def lb_behind(proxy: LateProxy, lab: ProcessLab) -> AsyncIterator[httpx.AsyncClient]:
    """A load balancer of the test's own, whose primary is behind the proxy."""
    ports = PortReservations()
    port = str(ports.reserve())
    env = environment(
        lab, PORT=port, PRIMARY_URL=proxy.url, LATE_SILENCE_SECONDS="1", LATE_SETTLE_SECONDS="1"
    )
    url = f"http://127.0.0.1:{port}"
    async with another_lb(env), httpx.AsyncClient(base_url=url, timeout=30) as client:
        await eventually(lambda: is_quiet(client), "it is active", 20)
        yield client
    ports.release()


async def upsert(lb: httpx.AsyncClient, name: str, document: str, text: str) -> httpx.Response:
    body = {
        "ids": [document],
        "embeddings": [[1.0, 2.0]],
        "documents": [text],
        "metadatas": [{"text": text, text: True}],
    }
    return await lb.post(f"{COLLECTIONS}/{name}/upsert", json=body)


async def texts(lab: ProcessLab, name: str) -> dict[str, dict[str, Any]]:
    found = {}
    for instance in lab.instances:
        async with httpx.AsyncClient(base_url=instance.url, timeout=30) as direct:
            uuid = (await direct.get(f"{COLLECTIONS}/{name}")).json()["id"]
            got = (await direct.post(f"{COLLECTIONS}/{uuid}/get", json={})).json()
            found[instance.name] = dict(
                zip(got["ids"], zip(got["documents"], got["metadatas"], strict=True), strict=True)
            )
    return found


async def test_a_write_that_arrives_after_newer_ones_does_not_survive(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await lab.kill("lb")
    proxy = LateProxy(lab.instances[0].url)
    await proxy.start()
    async with lb_behind(proxy, lab) as client:
        await create(client, "late")
        assert (await upsert(client, "late", "doc", "first")).status_code == 200
        assert (await upsert(client, "late", "other", "untouched")).status_code == 200
        await eventually(lambda: is_quiet(client), "the instances are equal")

        proxy.marker = b"second-value"
        assert (await upsert(client, "late", "doc", "second-value")).status_code == 200
        assert proxy.held is not None, "the primary was not asked first"
        async with asyncio.timeout(20):
            await proxy.given_up.wait()
        assert (await upsert(client, "late", "doc", "third")).status_code == 200
        await eventually(lambda: is_quiet(client), "the lane went on", 20)

        assert b"200" in await proxy.deliver()

        async def equal_again() -> bool:
            found = await texts(lab, "late")
            return found["primary"] == found["replica"]

        async def repaired() -> bool:
            comparison = (await client.get("/status")).json()["comparison"]
            return int(comparison["repaired_documents"]) >= 1

        # It may be repaired before anybody can look: the figure shows that it was there.
        await eventually(repaired, "the late value is found", 20)
        await eventually(equal_again, "the primary is repaired", 20)
        found = await texts(lab, "late")
        assert found["primary"]["doc"][0] == "third"
        assert set(found["primary"]) == {"doc", "other"}
    await proxy.stop()


async def test_a_slow_write_is_not_given_up_while_new_connections_are_as_slow(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """Time alone is no evidence: with all of the instance slow, the request stays outstanding."""
    await create(lb, "slow")
    await lab.degrade("primary", [Toxic("latency", "downstream", {"latency": 6000})])
    try:
        assert (await upsert(lb, "slow", "doc", "value")).status_code == 200
        failed = (await lb.get("/wal/status")).json()["failed_syncs"]

        async def applied() -> bool:
            return (await lb.get("/wal/status")).json()["pending_entries"]["primary"] == 0

        await eventually(applied, "the slow answer has come", 20)
        assert (await lb.get("/wal/status")).json()["failed_syncs"] == failed
    finally:
        await lab.mend("primary")


async def test_a_difference_that_nobody_can_explain_is_reported_and_not_repaired(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "compared")
    await upsert(lb, "compared", "doc", "value")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    report = (await lb.post("/admin/compare")).json()
    mine = [c for c in report["comparisons"] if c["collection"] == "compared"]
    assert [(c["instance"], c["outcome"], c["documents"]) for c in mine] == [
        ("replica", "equal", 1)
    ]
    async with httpx.AsyncClient(base_url=lab.instances[1].url, timeout=30) as direct:
        uuid = (await direct.get(f"{COLLECTIONS}/compared")).json()["id"]
        await upsert(direct, uuid, "doc", "tampered")
    report = (await lb.post("/admin/compare")).json()
    mine = [c for c in report["comparisons"] if c["collection"] == "compared"]
    assert [c["outcome"] for c in mine] == ["different"]
    assert "compared" in (await lb.get("/status")).json()["comparison"]["last_difference"]
    assert (await texts(lab, "compared"))["replica"]["doc"][0] == "tampered"


async def test_the_canary_database_is_hidden_from_clients(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    databases = "/api/v2/tenants/default_tenant/databases"
    async with httpx.AsyncClient(base_url=lab.instances[0].url, timeout=30) as direct:
        await direct.post(databases, json={"name": "chroma-lb-canary"})
    listed = (await lb.get(databases)).json()
    assert [database["name"] for database in listed] == ["default_database"]
    assert (await lb.get(f"{databases}/chroma-lb-canary")).status_code == 404
    assert (await lb.get(f"{databases}/chroma-lb-canary/collections")).status_code == 404
