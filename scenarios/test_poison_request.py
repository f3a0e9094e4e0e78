"""A request that breaks a Chroma server never breaks both of them."""

from typing import Any

import allure
import httpx
import pytest

from harness.client.api import COLLECTIONS
from harness.labs.base import Lab
from scenarios.calls import add, are_on_every_instance, create, eventually, ids_in

SCENARIO = "normal"

pytestmark = [
    pytest.mark.real,
    pytest.mark.asyncio(loop_scope="module"),
    allure.epic("Poison request"),
]

_MORE_METADATA_KEYS_THAN_CHROMA_CAN_STORE = {f"k{n}": n for n in range(5462)}
# Longer than an instance is idle before it is tested, and a probe.
_FOUND_OUT_SECONDS = 15.0
# What breaks a Chroma 1.5.9 server, or one collection of it for ever.
POISONS: dict[str, dict[str, Any]] = {
    "reserved key": {"chroma:document": 1},
    "too many keys": _MORE_METADATA_KEYS_THAN_CHROMA_CAN_STORE,
}


@pytest.mark.parametrize("poison", POISONS)
async def test_both_instances_take_writes_after_a_poison_request(
    lab: Lab, lb: httpx.AsyncClient, poison: str
) -> None:
    name = f"AUTOTEST_{poison.replace(' ', '-')}"
    collection = await create(lb, name)
    assert (await add(lb, collection, "before")).is_success
    answer = await _send(lb, collection, POISONS[poison])
    assert answer.status_code >= 400
    assert (await add(lb, collection, "after")).is_success
    await eventually(lambda: are_on_every_instance(lab, name, "before", "after"), "both took it")


async def test_a_collection_whose_index_would_kill_a_server_is_not_made(
    lab: Lab, lb: httpx.AsyncClient
) -> None:
    body = {"name": "AUTOTEST_deadly", "metadata": {"hnsw:M": 0}}
    assert (await lb.post(COLLECTIONS, json=body)).status_code == 400
    harmless = await create(lb, "AUTOTEST_harmless")
    assert (await add(lb, harmless, "a", "b")).is_success
    await eventually(
        lambda: are_on_every_instance(lab, "AUTOTEST_harmless", "a", "b"), "both took it"
    )


async def test_an_instance_that_was_poisoned_past_the_load_balancer_is_left_out(
    lab: Lab, lb: httpx.AsyncClient
) -> None:
    """It answers heartbeats as ever and fails each write. Nothing heals it, so this comes last."""
    if (await lb.get("/status")).status_code != 200:
        pytest.skip("not offered: nobody says whether the instance is known to be broken")
    name = "AUTOTEST_served"
    collection = await create(lb, name)
    assert (await add(lb, collection, "a")).is_success
    await eventually(lambda: are_on_every_instance(lab, name, "a"), "both have it")
    async with httpx.AsyncClient(base_url=lab.instances[0].url, trust_env=False) as primary:
        own = (await primary.post(COLLECTIONS, json={"name": "AUTOTEST_poisoned"})).json()["id"]
        assert (await _send(primary, own, POISONS["reserved key"])).status_code == 500
    written = ["a"]

    async def is_left_out() -> bool:
        status = (await lb.get("/status")).json()
        return bool(status["healthy_instances"] == 1)

    await eventually(is_left_out, "it is known to be broken", _FOUND_OUT_SECONDS)
    for number in range(10):
        assert (await add(lb, collection, f"d{number}")).is_success
        written.append(f"d{number}")
        assert await ids_in(lb, collection) == sorted(written)


async def _send(
    client: httpx.AsyncClient, collection: str, metadata: dict[str, Any]
) -> httpx.Response:
    """Add a document without a text, which only its metadata makes poisonous."""
    body = {"ids": ["poison"], "embeddings": [[1.0, 2.0]], "metadatas": [metadata]}
    return await client.post(f"{COLLECTIONS}/{collection}/add", json=body)
