"""Rude clients: what no workload does, sent to the load balancer beside the clients of a run."""

import asyncio

import httpx

from harness.client.api import COLLECTIONS
from harness.labs.base import Lab

_NAME = "test_intruder"
_TIMEOUT_SECONDS = 5.0
_RUDE_CLIENTS, _RUDE_WRITES = 4, 25


async def send_poison(lab: Lab) -> None:
    """Write a document whose metadata has a key that is Chroma's own: it breaks each server."""
    async with httpx.AsyncClient(
        base_url=lab.lb_url, timeout=_TIMEOUT_SECONDS, trust_env=False
    ) as http:
        created = await http.post(COLLECTIONS, json={"name": _NAME, "get_or_create": True})
        body = {"ids": ["1"], "embeddings": [[1.0, 2.0]], "metadatas": [{"chroma:document": 5}]}
        try:
            await http.post(f"{COLLECTIONS}/{created.json()['id']}/add", json=body)
        except httpx.TimeoutException:
            return  # A load balancer that takes it may never get an answer itself.


async def send_what_is_refused(lab: Lab) -> None:
    """Write documents of a wrong dimension into the collections of the run, again and again.

    They look like the writes of its clients, so that a load balancer merges them with those.
    """
    async with httpx.AsyncClient(
        base_url=lab.lb_url, timeout=_TIMEOUT_SECONDS, trust_env=False
    ) as http:
        ids = [each["id"] for each in (await http.get(COLLECTIONS)).json()]

        async def write(client: int) -> None:
            for number in range(_RUDE_WRITES):
                body = {
                    "ids": [f"rude-{client}-{number}"],
                    "embeddings": [[1.0, 2.0]],
                    "documents": ["refused"],
                    "metadatas": [{"refused": True}],
                }
                kind = ("add", "upsert")[number % 2]
                for each in ids:
                    await http.post(f"{COLLECTIONS}/{each}/{kind}", json=body)

        async with asyncio.TaskGroup() as clients:
            for client in range(_RUDE_CLIENTS):
                clients.create_task(write(client))
