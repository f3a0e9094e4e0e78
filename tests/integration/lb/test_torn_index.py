"""A server killed while it saves an index may never be able to use it again: it gets a copy.

Chroma's own fault (https://github.com/chroma-core/chroma/issues/7678), made here by cutting a file
of the index in two while the server is down: a kill does it only now and then.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import httpx

from harness.errors import LabError
from harness.labs.processes import ProcessLab
from harness.polling import poll_until
from tests.integration.lb.calls import COLLECTIONS, eventually, ids_in, is_quiet
from tests.integration.lb.writers import Writer, assert_equal, seeded, writing

CANARIES = "/api/v2/tenants/default_tenant/databases/chroma-lb-canary/collections"
SAVED_EVERY = {"hnsw": {"sync_threshold": 20, "batch_size": 10}}


async def saved_collection(lb: httpx.AsyncClient, name: str) -> None:
    """Make a collection so that every server has saved an index of it."""
    answer = await lb.post(COLLECTIONS, json={"name": name, "configuration": SAVED_EVERY})
    assert answer.status_code == 200
    for start in range(0, 60, 10):
        ids = [f"d{start + number}" for number in range(10)]
        body = {"ids": ids, "embeddings": [[float(start), float(n)] for n in range(10)]}
        assert (await lb.post(f"{COLLECTIONS}/{name}/add", json=body)).status_code == 201
    await eventually(lambda: is_quiet(lb), "the instances are equal")


def cut_in_two(lab: ProcessLab, instance: str, collection: str, file: str) -> None:
    """Tear the file in the index that the instance has of the collection, and in no other."""
    path = index_of(lab, instance, collection) / file
    assert path.exists(), f"{instance} has saved no {file} of {collection}"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def index_of(lab: ProcessLab, instance: str, collection: str) -> Path:
    """Find the directory of an index, which Chroma names after the segment."""
    data = (lab.run_directory / "data" / instance).resolve()
    with closing(sqlite3.connect(data / "chroma.sqlite3")) as database:
        rows = database.execute(
            "SELECT segments.id FROM segments JOIN collections"
            " ON segments.collection = collections.id"
            " WHERE segments.scope = 'VECTOR' AND collections.name = ?",
            (collection,),
        ).fetchall()
    assert len(rows) == 1, f"{instance} has {len(rows)} indexes of {collection}"
    return data / str(rows[0][0])


async def rebuild_of(lb: httpx.AsyncClient, name: str) -> dict[str, Any]:
    instances = (await lb.get("/admin/instances")).json()["instances"]
    return next(dict(each["rebuild"]) for each in instances if each["name"] == name)


async def copies_made(lb: httpx.AsyncClient, name: str) -> int:
    rebuild = await rebuild_of(lb, name)
    return int(rebuild["copied_collections"]) if rebuild["collections_to_go"] == 0 else -1


async def test_a_collection_that_takes_no_write_any_more_on_one_instance_is_copied_to_it(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await saved_collection(lb, "takes-no-write")
    await saved_collection(lb, "beside-it")
    copies = await copies_made(lb, "replica")
    await lab.kill("replica")
    answer = await lb.post(f"{COLLECTIONS}/takes-no-write/delete", json={"ids": ["d1"]})
    assert answer.status_code == 200
    cut_in_two(lab, "replica", "takes-no-write", "index_metadata.pickle")
    await lab.restart("replica")
    writer = Writer(lb, "takes-no-write", 1, 60)
    async with writing(writer):

        async def is_copied() -> bool:
            return await copies_made(lb, "replica") > copies

        await eventually(is_copied, "it has a copy", 60)
    await eventually(lambda: is_quiet(lb), "it has applied the rest", 30)
    assert writer.failed == 0, writer.statuses
    await assert_equal(lab, "takes-no-write")


async def test_a_write_that_only_a_torn_instance_could_take_is_not_accused_of_that(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """It is not known to be harmless, and fails all the same: the collection failed before."""
    await saved_collection(lb, "torn-and-alone")
    copies, before = await copies_made(lb, "primary"), await log_figures(lb)
    await lab.kill("replica")
    await lab.kill("primary")
    cut_in_two(lab, "primary", "torn-and-alone", "index_metadata.pickle")
    await lab.restart("primary")
    body = {"ids": ["later"], "embeddings": [[1.0, 2.0]]}
    writing = asyncio.create_task(lb.post(f"{COLLECTIONS}/torn-and-alone/add", json=body))

    async def has_failed() -> bool:
        return int((await log_figures(lb))["failed_syncs"]) > before["failed_syncs"] + 1

    await eventually(has_failed, "the write failed more than once", 20)
    assert (await log_figures(lb))["quarantined"] == 0
    await lab.restart("replica")

    assert (await writing).status_code == 201

    async def is_copied() -> bool:
        return await copies_made(lb, "primary") > copies

    await eventually(is_copied, "the torn one has a copy", 60)
    await eventually(lambda: is_quiet(lb), "the instances are equal", 30)
    await assert_equal(lab, "torn-and-alone")


async def test_an_instance_keeps_its_torn_collection_while_the_other_one_can_give_no_copy(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """Both are torn: what the first one has must not be deleted for a copy that nobody can make."""
    name = "torn-on-both"
    await saved_collection(lb, name)
    await lab.kill("replica")
    answer = await lb.post(f"{COLLECTIONS}/{name}/delete", json={"ids": ["d1"]})
    assert answer.status_code == 200
    torn = index_of(lab, "primary", name) / "index_metadata.pickle"
    whole = torn.read_bytes()
    await lab.kill("primary")
    for instance in ("primary", "replica"):
        cut_in_two(lab, instance, name, torn.name)
        await lab.restart(instance)

    async def is_refused() -> bool:
        return "no copy of torn-on-both" in (await rebuild_of(lb, "replica"))["last_failure"]

    await eventually(is_refused, "nobody can give a copy to the replica", 60)
    (uuids,) = [
        each["uuids"]
        for each in (await lb.get("/collection/mappings")).json()["mappings"]
        if each["name"] == name
    ]
    assert set(uuids) == {"primary", "replica"}
    answer = await lb.post(f"/admin/collections/{name}/repair", json={"from": "primary"})
    assert answer.status_code == 503, answer.text
    assert "nothing was repaired" in answer.json()["message"]
    copies = await copies_made(lb, "replica")
    await lab.kill("primary")
    torn.write_bytes(whole)
    await lab.restart("primary")

    async def is_copied() -> bool:
        return await copies_made(lb, "replica") > copies

    await eventually(is_copied, "it has a copy of what was mended", 60)
    await eventually(lambda: is_quiet(lb), "the instances are equal", 30)
    await assert_equal(lab, name)


async def log_figures(lb: httpx.AsyncClient) -> dict[str, int]:
    return dict((await lb.get("/wal/status")).json())


async def test_a_collection_that_cannot_be_searched_any_more_on_one_instance_is_copied_to_it(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await saved_collection(lb, "cannot-be-searched")
    copies = await copies_made(lb, "primary")
    await lab.kill("primary")
    cut_in_two(lab, "primary", "cannot-be-searched", "data_level0.bin")
    await lab.restart("primary")
    await eventually(lambda: is_quiet(lb), "it is back")
    question = {"query_embeddings": [[10.0, 3.0]], "n_results": 3}
    statuses = set()

    async def is_copied() -> bool:
        answer = await lb.post(f"{COLLECTIONS}/cannot-be-searched/query", json=question)
        statuses.add(answer.status_code)
        return await copies_made(lb, "primary") > copies

    await eventually(is_copied, "it has a copy", 60)
    assert statuses == {200}
    await eventually(lambda: is_quiet(lb), "the instances are equal", 30)
    assert len(await ids_in(lb, "cannot-be-searched")) == 60
    await assert_equal(lab, "cannot-be-searched")
    async with httpx.AsyncClient(base_url=lab.instances[0].url, timeout=30) as direct:
        uuid = (await direct.get(f"{COLLECTIONS}/cannot-be-searched")).json()["id"]
        found = (await direct.post(f"{COLLECTIONS}/{uuid}/query", json=question)).json()
    assert found["ids"][0][0] == "d13"


@asynccontextmanager
async def started_again(lab: ProcessLab, instance: str) -> AsyncIterator[list[str]]:
    """Start the instance again whenever it ends by itself, as a service manager does."""
    endings: list[str] = []

    async def supervise() -> None:
        while True:
            await poll_until(lambda: is_dead(lab, instance), 600, AssertionError)
            endings.append(lab.ending(instance))
            with suppress(LabError):  # It may end again before it has answered a heartbeat.
                await lab.restart(instance)

    supervisor = asyncio.create_task(supervise(), name=f"supervisor of {instance}")
    try:
        yield endings
    finally:
        supervisor.cancel()
        await asyncio.wait([supervisor])


async def is_dead(lab: ProcessLab, instance: str) -> bool:
    return not lab.is_alive(instance)


async def test_a_collection_whose_writes_kill_one_instance_is_copied_to_it(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """Measured: a header cut in two ends the server with SIGSEGV at every `add`."""
    names = ["kills-its-server", "innocent-1", "innocent-2"]
    await saved_collection(lb, names[0])
    for name in names[1:]:
        await seeded(lb, name, 60)
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    copies = await copies_made(lb, "primary")
    await lab.kill("primary")
    cut_in_two(lab, "primary", names[0], "header.bin")
    writers = [Writer(lb, name, number, 60) for number, name in enumerate(names, start=1)]
    async with writing(*writers), started_again(lab, "primary") as endings:

        async def is_copied() -> bool:
            return await copies_made(lb, "primary") > copies

        await eventually(is_copied, "it has a copy", 60)
    await eventually(lambda: is_quiet(lb), "it has applied the rest", 30)
    assert [writer.failed for writer in writers] == [0, 0, 0]
    assert await copies_made(lb, "primary") == copies + 1, "the innocent are not copied"
    assert "SIGSEGV" in endings, endings
    await assert_equal(lab, *names)


async def test_an_instance_whose_own_canary_is_torn_serves_again(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """The load balancer writes it every few seconds, so its index is saved now and then, too."""
    await goes_away(lb, lab, "replica")
    await lab.restart("replica")
    await eventually(lambda: serves(lb, "replica"), "a canary write was taken")
    async with httpx.AsyncClient(base_url=lab.instances[1].url, timeout=30) as direct:
        url = f"{CANARIES}/{(await direct.get(f'{CANARIES}/canary')).json()['id']}/upsert"
        body = {"ids": [f"c{n}" for n in range(1100)], "embeddings": [[0.0]] * 1100}
        assert (await direct.post(url, json=body)).status_code == 200
        await goes_away(lb, lab, "replica")
        cut_in_two(lab, "replica", "canary", "index_metadata.pickle")
        await lab.restart("replica")

        async def is_replaced() -> bool:
            found = await direct.get(f"{CANARIES}/canary")
            return found.status_code == 200 and found.json()["id"] not in url

        # The load balancer may have been quicker than this.
        assert (await direct.post(url, json=body)).status_code == 500 or await is_replaced()
        # Not the state: it may be UP for some seconds before a canary write says otherwise.
        await eventually(is_replaced, "the canary's collection was replaced", 20)
    await eventually(lambda: serves(lb, "replica"), "it serves", 20)


async def goes_away(lb: httpx.AsyncClient, lab: ProcessLab, name: str) -> None:
    await lab.kill(name)

    async def is_missed() -> bool:
        return not await serves(lb, name)

    await eventually(is_missed, "the load balancer has noticed")


async def serves(lb: httpx.AsyncClient, name: str) -> bool:
    instances = (await lb.get("/admin/instances")).json()["instances"]
    return next(each["state"] == "UP" for each in instances if each["name"] == name)
