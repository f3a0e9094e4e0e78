"""Emergency recovery: a mapping that was lost is restored by hand, and checked before (F6)."""

from uuid import uuid4

import allure
import asyncpg
import httpx
import pytest

from harness.client.api import COLLECTIONS
from harness.labs.base import Killable, Lab
from scenarios.calls import (
    add,
    are_on_every_instance,
    create,
    direct,
    eventually,
    ids_in,
    to_lb,
    uuid_on,
)

SCENARIO = "normal"

pytestmark = [
    pytest.mark.real,
    pytest.mark.usefixtures("our_own"),
    pytest.mark.asyncio(loop_scope="module"),
    allure.feature("Emergency recovery of a mapping"),
]


async def _made(lab: Lab, lb: httpx.AsyncClient, name: str) -> dict[str, str]:
    """Make a collection with a document; returns what to send to restore its mapping."""
    await create(lb, name)
    assert (await add(lb, name, "before")).is_success
    await eventually(lambda: are_on_every_instance(lab, name, "before"), "both have it")
    body = {"collection_name": name}
    for instance in lab.instances:
        async with direct(instance.url) as client:
            body[f"{instance.name}_id"] = await uuid_on(client, name)
    return body


async def test_a_lost_mapping_is_restored_and_what_was_written_meanwhile_arrives(
    lab: Lab, lb: httpx.AsyncClient
) -> None:
    assert isinstance(lab, Killable)
    body = await _made(lab, lb, "AUTOTEST_lost")
    stable_id = (await lb.get(f"{COLLECTIONS}/AUTOTEST_lost")).json()["id"]
    await lab.kill("lb")
    connection = await asyncpg.connect(lab.urls()["postgres"])
    lost = await connection.execute(
        "delete from mappings where instance = 'primary' and collection_id = $1", stable_id
    )
    await connection.close()
    assert lost == "DELETE 1"
    await lab.restart("lb")

    async with to_lb(lab) as client:
        assert (await add(client, "AUTOTEST_lost", "meanwhile")).is_success
        assert await ids_in(client, "AUTOTEST_lost") == ["before", "meanwhile"]
        answer = await client.post("/admin/create_mapping", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["collection_id"] == stable_id
    await eventually(
        lambda: are_on_every_instance(lab, "AUTOTEST_lost", "before", "meanwhile"),
        "both have what was written meanwhile",
    )


@pytest.mark.parametrize("instance", ["primary", "replica"])
async def test_a_uuid_that_does_not_exist_is_refused_and_named(
    lab: Lab, lb: httpx.AsyncClient, instance: str
) -> None:
    body = await _made(lab, lb, f"AUTOTEST_missing-{instance}")
    missing = str(uuid4())
    answer = await lb.post("/admin/create_mapping", json={**body, f"{instance}_id": missing})
    assert answer.status_code == 400
    assert f"{instance} has no collection {missing}" in answer.json()["message"]


async def test_a_uuid_of_a_collection_with_another_name_is_refused_and_named(
    lab: Lab, lb: httpx.AsyncClient
) -> None:
    body = await _made(lab, lb, "AUTOTEST_right")
    other = await _made(lab, lb, "AUTOTEST_wrong")
    wrong = {**body, "replica_id": other["replica_id"]}
    answer = await lb.post("/admin/create_mapping", json=wrong)
    assert answer.status_code == 400
    message = answer.json()["message"]
    assert f"{other['replica_id']} on replica is named AUTOTEST_wrong" in message
    assert "primary" not in message
    assert await ids_in(lb, "AUTOTEST_right") == ["before"]
