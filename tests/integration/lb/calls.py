"""Short calls of Chroma's API, and waiting, for the tests of the load balancer."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from harness.errors import HarnessError
from harness.labs.processes import ProcessLab
from harness.polling import poll_until

DATABASE = "/api/v2/tenants/default_tenant/databases/default_database"
COLLECTIONS = f"{DATABASE}/collections"


async def eventually(
    see: Callable[[], Awaitable[Any]], what: str, timeout_seconds: float = 30.0
) -> Any:
    """Wait until `see` returns something true; the failure names the last thing seen."""
    last: Any = None

    async def look() -> Any:
        nonlocal last
        try:
            last = await see()
        except (httpx.HTTPError, AssertionError) as error:
            last = f"{type(error).__name__}: {error}"
            return None
        return last

    return await poll_until(
        look, timeout_seconds, lambda: HarnessError(f"not seen in time: {what}; last: {last!r}")
    )


async def is_healthy(lb: httpx.AsyncClient) -> bool:
    instances = (await lb.get("/admin/instances")).json()["instances"]
    return all(instance["state"] == "UP" for instance in instances)


async def is_quiet(lb: httpx.AsyncClient) -> bool:
    status = (await lb.get("/status")).json()
    pending = status["log"]["pending_entries"].values()
    return all(i["state"] == "UP" for i in status["instances"]) and not any(pending)


async def create(client: httpx.AsyncClient, name: str, **fields: object) -> str:
    response = await client.post(COLLECTIONS, json={"name": name, **fields})
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


async def add(client: httpx.AsyncClient, collection: str, *ids: str) -> httpx.Response:
    body = {
        "ids": list(ids),
        "embeddings": [[float(len(i)), 1.0] for i in ids],
        "documents": [f"text of {i}" for i in ids],
    }
    return await client.post(f"{COLLECTIONS}/{collection}/add", json=body)


async def ids_in(client: httpx.AsyncClient, collection: str) -> list[str]:
    response = await client.post(f"{COLLECTIONS}/{collection}/get", json={})
    assert response.status_code == 200, response.text
    return list(response.json()["ids"])


async def ids_on_instances(lab: ProcessLab, name: str) -> dict[str, list[str]]:
    """Read a collection directly from each instance, by the UUID that it has there."""
    found = {}
    for instance in lab.instances:
        async with httpx.AsyncClient(base_url=instance.url, timeout=30) as client:
            answer = await client.get(f"{COLLECTIONS}/{name}")
            assert answer.status_code == 200, answer.text
            uuid = answer.json()["id"]
            found[instance.name] = await ids_in(client, uuid)
    return found
