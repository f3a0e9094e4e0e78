"""The client helper brings every write to a definite outcome, whatever is killed, and only once."""

import asyncio

import httpx
import pytest

from harness.labs.processes import ProcessLab
from lb.client import Outcome, WriteClient, WriteGivenUpError
from tests.integration.lb.calls import COLLECTIONS, create, eventually, ids_on_instances, is_quiet


def record(name: str) -> dict[str, object]:
    return {"ids": [name], "embeddings": [[1, 2]], "documents": ["text"]}


async def test_a_write_and_a_refusal_are_definite_at_once(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "helped")
    async with WriteClient(lab.lb_url, session_name="cms-9") as client:
        path = f"{COLLECTIONS}/helped/add"
        good = await client.submit("POST", path, record("a"), transaction_id="helped/1")
        again = await client.submit("POST", path, record("a"), transaction_id="helped/1")
        bad = await client.submit("POST", path, {"ids": ["b"], "embeddings": [[1]]})
    assert good == again
    assert (good.status, good.is_success, good.transaction_id) == (201, True, "helped/1")
    assert (bad.status, bad.is_success) == (400, False)
    told = (await lb.get(f"/transactions/{bad.transaction_id}")).json()
    assert (told["state"], told["session"]) == ("FAILED", "cms-9")


async def test_every_write_ends_once_although_the_load_balancer_is_killed_in_between(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """Deletes with a limit: applied twice, one would remove two documents."""
    await create(lb, "killed")
    ids = [f"d{number}" for number in range(1000)]
    body = {"ids": ids, "embeddings": [[1, 2]] * len(ids), "documents": ["text"] * len(ids)}
    await lb.post(f"{COLLECTIONS}/killed/add", json=body)
    delete = {"where_document": {"$contains": "text"}, "limit": 1}
    async with WriteClient(lab.lb_url) as client:
        path = f"{COLLECTIONS}/killed/delete"
        outcomes: list[Outcome] = []
        is_over = asyncio.Event()

        async def delete_on() -> None:
            while not is_over.is_set():
                outcomes.append(await client.submit("POST", path, delete))

        async def some_are_done() -> bool:
            return len(outcomes) >= 10

        async with asyncio.TaskGroup() as clients:
            for _ in range(16):
                clients.create_task(delete_on())
            await eventually(some_are_done, "some deletes are done")
            # Each client has one under way, whenever this comes.
            await lab.kill("lb")
            is_over.set()
            await lab.restart("lb")
    assert {(each.status, each.body) for each in outcomes} == {(200, b'{"deleted":1}')}
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    found = await ids_on_instances(lab, "killed")
    left = ids[len(outcomes) :]
    assert found == {"primary": left, "replica": left}


async def test_giving_up_names_the_transaction_which_can_be_taken_up_again(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "given-up")
    await lab.kill("primary")
    await lab.kill("replica")
    path = f"{COLLECTIONS}/given-up/add"
    async with WriteClient(lab.lb_url) as client:
        with pytest.raises(WriteGivenUpError, match="no outcome of transaction") as given_up:
            await client.submit("POST", path, record("a"), deadline_seconds=0.5)
        transaction_id = given_up.value.transaction_id
        resumed = asyncio.create_task(
            client.submit("POST", path, record("a"), transaction_id=transaction_id)
        )
        await lab.restart("primary")
        assert (await resumed).status == 201
    await lab.restart("replica")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    assert await ids_on_instances(lab, "given-up") == {"primary": ["a"], "replica": ["a"]}


async def test_a_load_balancer_that_is_away_is_waited_for(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "away")
    await lab.kill("lb")
    async with WriteClient(lab.lb_url) as client:
        path = f"{COLLECTIONS}/away/add"
        with pytest.raises(WriteGivenUpError, match="Connect"):
            await client.submit("POST", path, record("a"), deadline_seconds=0.5)
        waiting = asyncio.create_task(client.submit("POST", path, record("b")))
        await lab.restart("lb")
        assert (await waiting).status == 201
