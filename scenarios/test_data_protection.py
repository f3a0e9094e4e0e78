"""Production data: nothing that a client asks for deletes, renames or resets what is protected."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import allure
import httpx
import pytest
import pytest_asyncio

from harness.client.api import COLLECTIONS, DATABASE
from harness.client.recording import ClientContext, RecordingClient
from harness.errors import ProtectedCollectionError
from harness.labs.base import Lab
from harness.model.history import Header, HistoryWriter, Limits
from harness.model.operation import Addressing, Invocation, Kind
from harness.runner.run_directory import RunDirectory
from scenarios.calls import add, are_on_every_instance, create, direct, eventually, uuid_on

SCENARIO = "normal"
PROTECTED = "global"

pytestmark = [
    pytest.mark.real,
    pytest.mark.asyncio(loop_scope="module"),
    allure.epic("Production data"),
]

REFERENCES = ("name", "stable id", "UUID on the primary", "UUID on the replica")


@dataclass(frozen=True)
class Protected:
    """The protected collection, by all that it is called, and what it was before the test."""

    references: dict[str, str]
    before: dict[str, bytes]


@pytest_asyncio.fixture(loop_scope="module")
async def protected(lab: Lab, lb: httpx.AsyncClient) -> AsyncIterator[Protected]:
    """Give a collection `global` with contents, which has to be the same after the test."""
    references = {"name": PROTECTED, "stable id": await create(lb, PROTECTED)}
    assert (await add(lb, references["stable id"], "a", "b")).is_success
    await eventually(lambda: are_on_every_instance(lab, PROTECTED, "a", "b"), "both have it")
    for instance in lab.instances:
        async with direct(instance.url) as client:
            references[f"UUID on the {instance.name}"] = await uuid_on(client, PROTECTED)
    before = await _contents(lab)
    yield Protected(references, before)
    assert await are_on_every_instance(lab, PROTECTED, "a", "b")
    assert await _contents(lab) == before
    assert (await lb.get(f"{COLLECTIONS}/{PROTECTED}")).json()["id"] == references["stable id"]


async def _contents(lab: Lab) -> dict[str, bytes]:
    """Read all of it from each instance, as the instance words it."""
    found = {}
    for instance in lab.instances:
        async with direct(instance.url) as client:
            path = f"{COLLECTIONS}/{await uuid_on(client, PROTECTED)}/get"
            include = ["documents", "metadatas", "embeddings"]
            found[instance.name] = (await client.post(path, json={"include": include})).content
    return found


@pytest.mark.parametrize("reference", REFERENCES)
async def test_it_cannot_be_deleted(
    lb: httpx.AsyncClient, protected: Protected, reference: str
) -> None:
    answer = await lb.delete(f"{COLLECTIONS}/{protected.references[reference]}")
    assert 400 <= answer.status_code < 500, answer.text


@pytest.mark.parametrize("reference", REFERENCES)
async def test_it_cannot_be_renamed(
    lb: httpx.AsyncClient, protected: Protected, reference: str
) -> None:
    path = f"{COLLECTIONS}/{protected.references[reference]}"
    answer = await lb.put(path, json={"new_name": "AUTOTEST_mine"})
    assert 400 <= answer.status_code < 500, answer.text


@pytest.mark.usefixtures("protected")
async def test_nothing_can_be_reset(lb: httpx.AsyncClient) -> None:
    assert not (await lb.post("/api/v2/reset")).is_success


@pytest.mark.usefixtures("protected")
async def test_the_database_that_it_is_in_cannot_be_deleted(lb: httpx.AsyncClient) -> None:
    answer = await lb.delete(DATABASE)
    assert 400 <= answer.status_code < 500, answer.text


async def test_its_mapping_cannot_be_removed(lb: httpx.AsyncClient, protected: Protected) -> None:
    stable_id = protected.references["stable id"]
    before = (await lb.get("/collection/mappings")).content
    for path in ("/collection/mappings", f"/collection/mappings/{PROTECTED}"):
        for way in (path, f"{path}/{stable_id}", path.replace("/collection", "/admin")):
            assert not (await lb.delete(way)).is_success
    assert (await lb.get("/collection/mappings")).content == before


@pytest.mark.usefixtures("our_own")
async def test_its_mapping_cannot_be_turned_to_another_collection(
    lb: httpx.AsyncClient, lab: Lab, protected: Protected
) -> None:
    await create(lb, "AUTOTEST_other")
    await eventually(lambda: are_on_every_instance(lab, "AUTOTEST_other"), "both have the other")
    before = (await lb.get("/collection/mappings")).content
    async with direct(lab.instances[1].url) as replica:
        other = await uuid_on(replica, "AUTOTEST_other")
    body = {
        "collection_name": PROTECTED,
        "primary_id": protected.references["UUID on the primary"],
        "replica_id": other,
    }
    answer = await lb.post("/admin/create_mapping", json=body)
    assert 400 <= answer.status_code < 500, answer.text
    assert (await lb.get("/collection/mappings")).content == before


@pytest.mark.usefixtures("protected")
@pytest.mark.parametrize("kind", [Kind.DROP, Kind.RENAME, Kind.DELETE, Kind.UPSERT])
async def test_the_clients_of_the_harness_touch_nothing_but_their_own(
    lab: Lab, run_directory: RunDirectory, kind: Kind
) -> None:
    path = run_directory.path / f"guard-{kind}.jsonl"
    header = Header(scenario="guard", seed=1, dimensions=2, prefix="AUTOTEST_1_", limits=Limits())
    with HistoryWriter(path, header) as log:
        context = ClientContext(lab.lb_url, log, lambda _: "", lambda: 0, lambda: "")
        invocation = Invocation(kind=kind, addressing=Addressing.NAME, collection=PROTECTED)
        async with RecordingClient("client-1", context) as client:
            with pytest.raises(ProtectedCollectionError):
                await client.perform(invocation, 0)
