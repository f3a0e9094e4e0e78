"""Repair by hand of collections that only some instances have, or hold differently."""

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
from tests.integration.lb.test_adoption import made_directly
from tests.integration.lb.test_refusals import dimensions
from tests.integration.lb.writers import assert_equal


async def repair(lb: httpx.AsyncClient, name: str, **body: str) -> httpx.Response:
    return await lb.post(f"/admin/collections/{name}/repair", json=body)


async def is_complete(lb: httpx.AsyncClient, name: str) -> bool:
    mappings = (await lb.get("/collection/mappings")).json()["mappings"]
    return await is_quiet(lb) and any(m["name"] == name and m["complete"] for m in mappings)


async def test_a_collection_that_one_instance_has_is_spread(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await made_directly(lab, "spread", "replica")
    answer = await repair(lb, "spread")
    assert answer.status_code == 202, answer.text
    assert answer.json()["source"] == "replica"
    assert answer.json()["copied_to"] == ["primary"]
    assert await ids_in(lb, "spread") == ["old-1", "old-2"]
    assert (await add(lb, "spread", "new")).status_code == 201
    await eventually(lambda: is_complete(lb, "spread"), "both have it", 30)
    await assert_equal(lab, "spread")
    assert (await ids_on_instances(lab, "spread"))["primary"] == ["old-1", "old-2", "new"]
    await lab.kill("lb")
    await lab.restart("lb")
    await eventually(lambda: is_complete(lb, "spread"), "it is remembered", 30)


async def test_instances_that_differ_are_copied_anew_from_the_right_one(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "differing")
    await add(lb, "differing", "one")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    async with httpx.AsyncClient(base_url=lab.instances[0].url) as direct:
        uuid = (await direct.get(f"{COLLECTIONS}/differing")).json()["id"]
        await add(direct, uuid, "smuggled")
    checked = await repair(lb, "differing")
    assert checked.status_code == 202
    assert "different" in checked.json()["checked"].values()
    assert checked.json()["copied_to"] == []
    answer = await repair(lb, "differing", **{"from": "replica"})
    assert answer.json()["deleted"] == {"primary": [uuid]}
    await eventually(lambda: is_complete(lb, "differing"), "both have it", 30)
    found = await ids_on_instances(lab, "differing")
    assert found["primary"] == found["replica"] == ["one"]


async def test_a_member_that_lost_a_collection_is_found_by_a_repair(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "found-lost")
    await add(lb, "found-lost", "one")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    async with httpx.AsyncClient(base_url=lab.instances[0].url) as direct:
        await direct.delete(f"{COLLECTIONS}/found-lost")
    answer = await repair(lb, "found-lost")
    assert answer.status_code == 202, answer.text
    assert answer.json()["checked"]["primary"] in ("missing", "gets a copy")
    assert answer.json()["copied_to"] == ["primary"]
    await eventually(lambda: is_complete(lb, "found-lost"), "both have it", 30)
    await assert_equal(lab, "found-lost")


async def test_what_cannot_be_repaired_is_refused_with_a_reason(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    assert (await repair(lb, "nowhere")).status_code == 404
    await create(lb, "refused")
    wrong = await repair(lb, "refused", **{"from": "nobody"})
    assert (wrong.status_code, "no instance nobody" in wrong.text) == (400, True)
    assert (await repair(lb, "refused", unknown="x")).status_code == 400
    await lab.kill("primary")

    async def is_away() -> bool:
        instances = (await lb.get("/admin/instances")).json()["instances"]
        return not instances[0]["healthy"]

    await eventually(is_away, "the primary is known to be away")
    unknown = await repair(lb, "nowhere")
    assert (unknown.status_code, "primary cannot be asked" in unknown.text) == (503, True)
    away = await repair(lb, "refused", **{"from": "primary"})
    assert away.status_code == 503
    assert "primary" in away.json()["message"]


async def test_the_copy_of_an_emptied_collection_keeps_its_dimension(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """Else it would take vectors that its source then refuses for ever."""
    await create(lb, "emptied")
    await add(lb, "emptied", "one")
    answer = await lb.post(f"{COLLECTIONS}/emptied/delete", json={"ids": ["one"]})
    assert answer.status_code == 200
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    assert (await repair(lb, "emptied", **{"from": "primary"})).status_code == 202
    await eventually(lambda: is_complete(lb, "emptied"), "the replica has a copy", 30)
    assert await dimensions(lab, "emptied") == {"primary": 2, "replica": 2}
    assert await ids_on_instances(lab, "emptied") == {"primary": [], "replica": []}
