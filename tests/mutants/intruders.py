"""Rude clients: what no workload does, sent to the load balancer beside the clients of a run."""

import httpx

from harness.client.api import COLLECTIONS
from harness.labs.base import Lab

_NAME = "test_intruder"
_TIMEOUT_SECONDS = 5.0


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
