"""F1: one stable id for clients, another UUID on each instance, any of them accepted in a path."""

import asyncio
from typing import Any

import httpx

from harness.labs.processes import ProcessLab
from tests.integration.lb.calls import COLLECTIONS, add, create, eventually, ids_in, is_quiet


async def mapping_of(lb: httpx.AsyncClient, name: str) -> dict[str, Any]:
    mappings = (await lb.get("/collection/mappings")).json()["mappings"]
    (found,) = [mapping for mapping in mappings if mapping["name"] == name]
    return dict(found)


async def test_a_collection_is_created_on_every_instance_under_its_own_uuid(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    logical = await create(lb, "mapped")
    await eventually(lambda: is_quiet(lb), "the create is applied everywhere")
    mapping = await mapping_of(lb, "mapped")
    assert mapping["collection_id"] == logical
    assert mapping["complete"]
    for instance in lab.instances:
        async with httpx.AsyncClient(base_url=instance.url) as direct:
            found = (await direct.get(f"{COLLECTIONS}/mapped")).json()
        assert found["id"] == mapping["uuids"][instance.name]
    assert len({logical, *mapping["uuids"].values()}) == 1 + len(lab.instances)


async def test_clients_see_the_stable_id_whichever_instance_answers(
    lb: httpx.AsyncClient,
) -> None:
    logical = await create(lb, "stable")
    answers = [await lb.get(f"{COLLECTIONS}/stable") for _ in range(6)]
    listed = [(await lb.get(COLLECTIONS)).json() for _ in range(6)]
    assert {answer.json()["id"] for answer in answers} == {logical}
    assert all(logical in {c["id"] for c in page} for page in listed)


async def test_name_logical_id_and_every_instance_uuid_address_the_same_collection(
    lb: httpx.AsyncClient,
) -> None:
    logical = await create(lb, "aliases")
    await eventually(lambda: is_quiet(lb), "the create is applied everywhere")
    uuids = (await mapping_of(lb, "aliases"))["uuids"].values()
    for number, reference in enumerate(["aliases", logical, *uuids]):
        assert (await add(lb, reference, f"doc{number}")).status_code == 201
        expected = [f"doc{n}" for n in range(number + 1)]
        assert await ids_in(lb, reference) == expected
        assert (await lb.get(f"{COLLECTIONS}/{reference}")).json()["id"] == logical


async def test_a_name_can_be_deleted_and_created_again_as_another_collection(
    lb: httpx.AsyncClient,
) -> None:
    first = await create(lb, "again")
    await add(lb, "again", "old")
    assert (await lb.delete(f"{COLLECTIONS}/again")).status_code == 200
    second = await create(lb, "again")
    assert second != first
    assert await ids_in(lb, "again") == []
    stale = await lb.post(f"{COLLECTIONS}/{first}/get", json={})
    assert stale.status_code == 404
    assert first in stale.text


async def test_concurrent_creates_of_one_name_make_one_collection(lb: httpx.AsyncClient) -> None:
    body = {"name": "raced", "get_or_create": True}
    answers = await asyncio.gather(*(lb.post(COLLECTIONS, json=body) for _ in range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    strict = await asyncio.gather(
        *(lb.post(COLLECTIONS, json={"name": "raced-2"}) for _ in range(12))
    )
    assert sorted(answer.status_code for answer in strict) == [200] + [409] * 11


async def test_a_collection_that_is_not_ours_is_neither_shown_nor_taken_over(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """Taking over what exists on one instance only would make the instances differ for ever."""
    async with httpx.AsyncClient(base_url=lab.instances[0].url) as direct:
        foreign = await create(direct, "foreign")
        await add(direct, foreign, "theirs")
        assert (await lb.get(f"{COLLECTIONS}/foreign")).status_code == 404
        assert "foreign" not in {c["name"] for c in (await lb.get(COLLECTIONS)).json()}
        assert (await add(lb, foreign, "ours")).status_code == 404
        taken = await lb.post(COLLECTIONS, json={"name": "foreign", "get_or_create": True})
        assert taken.status_code == 409
        assert await ids_in(direct, foreign) == ["theirs"]
        await direct.delete(f"{COLLECTIONS}/foreign")


async def test_a_protected_collection_cannot_be_deleted_or_renamed(lb: httpx.AsyncClient) -> None:
    logical = await create(lb, "global")
    for reference in ("global", logical):
        assert (await lb.delete(f"{COLLECTIONS}/{reference}")).status_code == 403
        renamed = await lb.put(f"{COLLECTIONS}/{reference}", json={"new_name": "mine"})
        assert renamed.status_code == 403
    assert (await lb.post("/api/v2/reset")).status_code in (403, 501)
    assert (await add(lb, "global", "content")).status_code == 201
