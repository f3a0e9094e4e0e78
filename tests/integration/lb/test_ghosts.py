"""An update of a document that does not exist must have no effect later either, on any instance.

Chroma's own fault: a server applies what it has not saved of a collection's log to its index again
when its first read of the collection is followed by a write. Here one instance is read, and the
other is not, as when clients are spread over them.
"""

import httpx
import pytest

from harness.labs.processes import ProcessLab
from tests.integration.lb.calls import COLLECTIONS, create, eventually, is_quiet
from tests.integration.lb.writers import contents

OF_THE_UPDATE, OF_THE_ADD = [7.0, 7.0], [1.0, 3.0]


async def write(lb: httpx.AsyncClient, name: str, verb: str, **documents: list[float]) -> None:
    body = {"ids": list(documents), "embeddings": list(documents.values())}
    answer = await lb.post(f"{COLLECTIONS}/{name}/{verb}", json=body)
    assert answer.is_success, answer.text


async def read_on(lab: ProcessLab, instance: str, name: str) -> None:
    """Read on one instance alone, without the load balancer."""
    url = next(each.url for each in lab.instances if each.name == instance)
    async with httpx.AsyncClient(base_url=url, timeout=30) as direct:
        uuid = (await direct.get(f"{COLLECTIONS}/{name}")).json()["id"]
        answer = await direct.get(f"{COLLECTIONS}/{uuid}/count")
        assert answer.status_code == 200, answer.text


async def assert_embedding(lab: ProcessLab, name: str, document: str, wanted: list[float]) -> None:
    for instance, (_, found) in (await contents(lab, name)).items():
        embeddings = dict(zip(found["ids"], found["embeddings"], strict=True))
        assert embeddings[document] == wanted, instance


@pytest.mark.parametrize("instance", ["primary", "replica"])
@pytest.mark.parametrize("is_dimensioned", [True, False], ids=["after-an-add", "as-first-write"])
async def test_an_update_that_came_before_the_add_has_no_effect_on_an_instance_that_is_read_later(
    lb: httpx.AsyncClient, lab: ProcessLab, instance: str, is_dimensioned: bool
) -> None:
    name = f"ghost-{instance}-{is_dimensioned}"
    await create(lb, name)
    if is_dimensioned:
        await write(lb, name, "add", present=[1.0, 1.0])
    await write(lb, name, "update", present=[2.0, 2.0], late=OF_THE_UPDATE)
    await write(lb, name, "add", late=OF_THE_ADD)
    await eventually(lambda: is_quiet(lb), "every instance has applied the log")

    await read_on(lab, instance, name)
    await write(lb, name, "upsert", other=[5.0, 5.0])
    await eventually(lambda: is_quiet(lb), "every instance has applied the log")

    await assert_embedding(lab, name, "late", OF_THE_ADD)
    if is_dimensioned:
        await assert_embedding(lab, name, "present", [2.0, 2.0])


async def test_such_an_update_has_no_effect_after_a_restart_either(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """Reads while the update was new are no cure: a new process has everything to apply again."""
    name = "ghost-restarted"
    await create(lb, name)
    await write(lb, name, "add", present=[1.0, 1.0])
    await read_on(lab, "replica", name)
    await write(lb, name, "update", late=OF_THE_UPDATE)
    await write(lb, name, "add", late=OF_THE_ADD)
    await eventually(lambda: is_quiet(lb), "every instance has applied the log")

    await lab.kill("replica")
    await lab.restart("replica")
    await eventually(lambda: is_quiet(lb), "the replica is back")
    await write(lb, name, "upsert", other=[5.0, 5.0])
    await eventually(lambda: is_quiet(lb), "every instance has applied the log")
    await read_on(lab, "replica", name)
    await write(lb, name, "upsert", other=[6.0, 6.0])
    await eventually(lambda: is_quiet(lb), "every instance has applied the log")

    await assert_embedding(lab, name, "late", OF_THE_ADD)


async def test_an_update_of_more_documents_than_one_get_may_name_is_taken(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    name = "ghost-many"
    await create(lb, name)
    await write(lb, name, "add", d33000=OF_THE_ADD)

    await write(lb, name, "update", **{f"d{n}": OF_THE_UPDATE for n in range(33_001)})

    await eventually(lambda: is_quiet(lb), "every instance has applied the log")
    await assert_embedding(lab, name, "d33000", OF_THE_UPDATE)
