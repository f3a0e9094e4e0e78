"""Short calls of Chroma's API, and waiting, for scenarios that ask single things of a system.

They name collections as they are told to, `global` too: only for a lab that is the test's own.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from harness.client.api import COLLECTIONS
from harness.errors import HarnessError
from harness.labs.abilities import Forcible
from harness.labs.base import Lab
from harness.polling import poll_until


async def eventually(
    see: Callable[[], Awaitable[Any]], what: str, timeout_seconds: float = 30.0
) -> Any:
    """Wait until `see` returns something true; the failure names the last thing seen."""
    last: Any = None

    async def look() -> Any:
        nonlocal last
        try:
            last = await see()
        except (httpx.HTTPError, AssertionError, KeyError) as error:
            last = f"{type(error).__name__}: {error}"
            return None
        return last

    return await poll_until(
        look, timeout_seconds, lambda: HarnessError(f"not seen in time: {what}; last: {last!r}")
    )


async def create(client: httpx.AsyncClient, name: str, **fields: object) -> str:
    """Create a collection, or find it; returns the id that clients see."""
    body = {"name": name, "get_or_create": True, **fields}
    answer = await client.post(COLLECTIONS, json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def documents(*ids: str) -> dict[str, object]:
    """Make the body of an `add`."""
    return {
        "ids": ids,
        "embeddings": [[float(len(each)), 1.0] for each in ids],
        "documents": [f"text of {each}" for each in ids],
    }


async def add(
    client: httpx.AsyncClient, collection: str, *ids: str, transaction: str = ""
) -> httpx.Response:
    """Add documents, under a transaction id where one is given."""
    headers = {"Transaction-ID": transaction} if transaction else {}
    path = f"{COLLECTIONS}/{collection}/add"
    return await client.post(path, json=documents(*ids), headers=headers)


async def ids_in(client: httpx.AsyncClient, collection: str) -> list[str]:
    """Name the documents of a collection."""
    answer = await client.post(f"{COLLECTIONS}/{collection}/get", json={})
    assert answer.status_code == 200, answer.text
    return sorted(answer.json()["ids"])


async def ids_on_instances(lab: Lab, name: str) -> dict[str, list[str]]:
    """Name the documents as each instance has them, read past the load balancer."""
    found = {}
    for instance in lab.instances:
        async with direct(instance.url) as client:
            found[instance.name] = await ids_in(client, await uuid_on(client, name))
    return found


async def are_on_every_instance(lab: Lab, name: str, *ids: str) -> bool:
    """Tell whether every instance has exactly these documents."""
    return all(held == sorted(ids) for held in (await ids_on_instances(lab, name)).values())


async def uuid_on(client: httpx.AsyncClient, name: str) -> str:
    """Find the UUID that an instance gave a collection."""
    answer = await client.get(f"{COLLECTIONS}/{name}")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def direct(url: str, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    """Connect to a server past the load balancer."""
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False)


def to_lb(lab: Lab) -> httpx.AsyncClient:
    """Connect to the load balancer, as its administrator where the lab has made up a token."""
    headers = lab.administration().headers if isinstance(lab, Forcible) else None
    return direct(lab.lb_url, headers)
