"""Refusals that are more than they seem: found by the property tests, pinned here."""

from typing import Any

import httpx
import pytest

from harness.labs.processes import ProcessLab
from tests.integration.lb.calls import COLLECTIONS, add, create, eventually, is_quiet

SPARSE = {"#type": "sparse_vector", "indices": [1], "values": [0.5]}
VECTOR = [1.0, 2.0, 3.0]
MARKING: dict[str, tuple[int, dict[str, Any]]] = {
    "empty-id": (400, {"ids": [""], "embeddings": [VECTOR]}),
    "lengths": (400, {"ids": ["a", "b"], "embeddings": [VECTOR]}),
    "sparse": (501, {"ids": ["a"], "embeddings": [VECTOR], "metadatas": [{"k": SPARSE}]}),
}


async def dimensions(lab: ProcessLab, name: str) -> dict[str, int | None]:
    """Return the dimension that a collection has on each instance."""
    found = {}
    for instance in lab.instances:
        async with httpx.AsyncClient(base_url=instance.url, timeout=30) as client:
            found[instance.name] = (await client.get(f"{COLLECTIONS}/{name}")).json()["dimension"]
    return found


@pytest.mark.parametrize("operation", ["add", "update", "upsert"])
@pytest.mark.parametrize("fault", MARKING)
async def test_a_refused_write_that_sets_the_dimension_sets_it_on_every_instance(
    lb: httpx.AsyncClient, lab: ProcessLab, fault: str, operation: str
) -> None:
    """Or another instance would accept what the first one refuses, and they would differ."""
    name = f"marked-{fault}-{operation}"
    await create(lb, name)
    status, body = MARKING[fault]
    assert (await lb.post(f"{COLLECTIONS}/{name}/{operation}", json=body)).status_code == status
    await eventually(lambda: is_quiet(lb), "the refusal is settled everywhere")
    assert await dimensions(lab, name) == {"primary": 3, "replica": 3}
    await lb.delete(f"{COLLECTIONS}/{name}")


async def test_after_such_a_refusal_another_instance_refuses_another_dimension(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "marked-failover")
    _, body = MARKING["empty-id"]
    assert (await lb.post(f"{COLLECTIONS}/marked-failover/add", json=body)).status_code == 400
    await lab.kill("primary")
    answer = await add(lb, "marked-failover", "a")
    assert answer.status_code == 400
    assert "dimension of 3, got 2" in answer.json()["message"]
    await lab.restart("primary")
    await eventually(lambda: is_quiet(lb), "the primary agrees", 15)


@pytest.mark.parametrize("value", [[], ["x"], [1.5], SPARSE])
async def test_collection_metadata_that_makes_chroma_panic_is_refused(
    lb: httpx.AsyncClient, value: Any
) -> None:
    """Plain Chroma ends the connection, every time: in the log it would be retried for ever."""
    await lb.post(COLLECTIONS, json={"name": "sane", "get_or_create": True})
    made = await lb.post(COLLECTIONS, json={"name": "insane", "metadata": {"a": 1, "k": value}})
    changed = await lb.put(f"{COLLECTIONS}/sane", json={"new_metadata": {"k": value}})
    for answer in (made, changed):
        assert answer.status_code == 400
        assert answer.json()["error"] == "InvalidArgumentError"
        assert "[k]" in answer.json()["message"]
    assert (await lb.get(f"{COLLECTIONS}/insane")).status_code == 404
    assert (await add(lb, "sane", "after")).status_code == 201


async def test_its_other_faults_are_named_first_as_chroma_does(lb: httpx.AsyncClient) -> None:
    await lb.post(COLLECTIONS, json={"name": "sane", "get_or_create": True})
    metadata = {"k": ["x"], "bad": [None]}
    made = await lb.post(COLLECTIONS, json={"name": "insane", "metadata": metadata})
    changed = await lb.put(f"{COLLECTIONS}/sane", json={"new_metadata": metadata})
    assert made.status_code == changed.status_code == 422
    assert "metadata.bad" in made.json()["message"]
    assert "new_metadata.bad" in changed.json()["message"]


async def test_a_rename_onto_a_taken_name_is_refused_for_its_body_first(
    lb: httpx.AsyncClient,
) -> None:
    for name in ("mover", "taken"):
        await lb.post(COLLECTIONS, json={"name": name, "get_or_create": True})
    body = {"new_name": "taken", "new_metadata": {"bad": [None]}}
    answer = await lb.put(f"{COLLECTIONS}/mover", json=body)
    assert answer.status_code == 422
    assert "new_metadata.bad" in answer.json()["message"]
