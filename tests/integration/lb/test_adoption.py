"""Collections that were on the instances before, and mappings that were lost (F1, F6)."""

import asyncpg
import httpx

from harness.labs.processes import ProcessLab
from tests.integration.lb.calls import (
    COLLECTIONS,
    add,
    create,
    eventually,
    ids_in,
    ids_on_instances,
    is_quiet,
)


async def made_directly(lab: ProcessLab, name: str, *instances: str) -> dict[str, str]:
    """Create a collection with two documents past the load balancer; returns its UUIDs."""
    uuids = {}
    for instance in lab.instances:
        if instance.name in instances:
            async with httpx.AsyncClient(base_url=instance.url, timeout=30) as direct:
                uuids[instance.name] = await create(direct, name)
                await add(direct, uuids[instance.name], "old-1", "old-2")
    return uuids


async def test_a_collection_that_every_instance_has_is_adopted(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    uuids = await made_directly(lab, "legacy", "primary", "replica")

    async def is_known() -> bool:
        return (await lb.get(f"{COLLECTIONS}/legacy")).status_code == 200

    await eventually(is_known, "it is adopted", 20)
    logical = (await lb.get(f"{COLLECTIONS}/legacy")).json()["id"]
    assert logical not in uuids.values()
    assert await ids_in(lb, uuids["replica"]) == ["old-1", "old-2"]
    assert (await add(lb, "legacy", "new")).status_code == 201
    await lab.kill("lb")
    await lab.restart("lb")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    assert (await lb.get(f"{COLLECTIONS}/legacy")).json()["id"] == logical
    found = await ids_on_instances(lab, "legacy")
    assert found["primary"] == found["replica"] == ["old-1", "old-2", "new"]


async def test_a_collection_that_only_one_instance_has_is_reported_and_left_alone(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    uuids = await made_directly(lab, "lonely", "replica")

    async def is_reported() -> bool:
        unmanaged = (await lb.get("/collection/unmanaged")).json()["unmanaged"]
        mine = [each for each in unmanaged if each["name"] == "lonely"]
        return [each["uuids"] for each in mine] == [uuids]

    await eventually(is_reported, "it is reported", 20)
    assert (await lb.get(f"{COLLECTIONS}/lonely")).status_code == 404


async def test_a_rename_onto_a_name_that_is_not_ours_is_a_conflict(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """Chroma answers 500, which is no outcome: the lane would wait for ever."""
    await made_directly(lab, "occupied", "primary")
    await create(lb, "renamer")
    answer = await lb.put(f"{COLLECTIONS}/renamer", json={"new_name": "occupied"})
    assert answer.status_code == 409
    assert (await add(lb, "renamer", "still-here")).status_code == 201
    await eventually(lambda: is_quiet(lb), "the lane goes on")


async def test_a_mapping_is_made_by_hand_only_when_every_uuid_bears_the_name(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    lonely = await made_directly(lab, "by-hand", "primary")
    other = await made_directly(lab, "another", "replica")
    body = {
        "collection_name": "by-hand",
        "primary_id": lonely["primary"],
        "replica_id": other["replica"],
    }
    answer = await lb.post("/admin/create_mapping", json=body)
    assert answer.status_code == 400
    assert f"{other['replica']} on replica is named another" in answer.json()["message"]
    assert "primary" not in answer.json()["message"]
    missing = {**body, "replica_id": "0a1b2c3d-0000-4000-8000-00000000000a"}
    answer = await lb.post("/admin/create_mapping", json=missing)
    assert "replica has no collection 0a1b2c3d" in answer.json()["message"]
    await lab.kill("primary")
    answer = await lb.post("/admin/create_mapping", json=body)
    assert answer.status_code == 503
    assert "primary" in answer.json()["message"]
    await lab.restart("primary")
    for wrong in ({}, {**body, "replica_id": "x"}, {**body, "third_id": "x"}):
        assert (await lb.post("/admin/create_mapping", json=wrong)).status_code == 400
    assert (await lb.get(f"{COLLECTIONS}/by-hand")).status_code == 404


async def test_a_lost_mapping_is_restored_by_hand(lb: httpx.AsyncClient, lab: ProcessLab) -> None:
    """While it is lost, the other instance serves and the log keeps what the one lacks."""
    logical = await create(lb, "lost")
    await add(lb, "lost", "before")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    mappings = (await lb.get("/collection/mappings")).json()["mappings"]
    (uuids,) = [mapping["uuids"] for mapping in mappings if mapping["name"] == "lost"]
    await lab.kill("lb")
    connection = await asyncpg.connect(lab.urls()["postgres"])
    await connection.execute(
        "delete from mappings where instance = 'primary' and collection_id = $1", logical
    )
    await connection.close()
    await lab.restart("lb")
    assert (await add(lb, "lost", "meanwhile")).status_code == 201
    assert await ids_in(lb, "lost") == ["before", "meanwhile"]
    assert (await lb.get("/wal/status")).json()["pending_entries"]["primary"] == 1
    body = {
        "collection_name": "lost",
        "primary_id": uuids["primary"],
        "replica_id": uuids["replica"],
    }
    answer = await lb.post("/admin/create_mapping", json=body)
    assert answer.status_code == 200
    assert answer.json()["collection_id"] == logical
    await eventually(lambda: is_quiet(lb), "the instances are equal", 20)
    found = await ids_on_instances(lab, "lost")
    assert found["primary"] == found["replica"] == ["before", "meanwhile"]
