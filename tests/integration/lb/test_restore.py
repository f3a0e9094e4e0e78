"""The log's database is dumped, moved, lost and restored, as docs/deploy-render.md tells one to do.

Only PostgreSQL's own programs touch the database.
"""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest

from harness.labs.ports import PortReservations
from harness.labs.processes import ProcessLab
from harness.parts.postgres import find_postgres
from tests.integration.lb.calls import (
    COLLECTIONS,
    add,
    create,
    eventually,
    ids_on_instances,
    is_quiet,
)
from tests.integration.lb.moving_clients import Writers
from tests.integration.lb.test_start import another_lb, environment


class Log:
    """The database of the log, which this module replaces again and again."""

    def __init__(self, lab: ProcessLab, directory: Path) -> None:
        self._url = lab.urls()["postgres"].rpartition("/")[0]
        self.name = "postgres"
        self._directory = directory

    @property
    def url(self) -> str:
        return f"{self._url}/{self.name}"

    async def dump(self) -> Path:
        """Dump it, while whoever uses it goes on."""
        file = self._directory / f"{uuid4().hex}.dump"
        await run("pg_dump", "--format=custom", "--no-owner", f"--file={file}", self.url)
        return file

    async def begin_anew(self) -> None:
        """Lose it: from here on there is an empty one."""
        self.name = f"log_{uuid4().hex}"
        connection = await asyncpg.connect(f"{self._url}/postgres")
        await connection.execute(f"create database {self.name}")
        await connection.close()

    async def restore(self, dump: Path) -> None:
        """Fill the empty one."""
        words = ("--no-owner", "--exit-on-error", f"--dbname={self.url}", str(dump))
        await run("pg_restore", *words)


async def run(program: str, *words: str) -> None:
    command = [str(find_postgres().path / program), *words]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def log(lab: ProcessLab, tmp_path: Path) -> Log:
    return Log(lab, tmp_path)


@asynccontextmanager
async def lb_on(log: Log, lab: ProcessLab, **changes: str) -> AsyncIterator[httpx.AsyncClient]:
    """Run a load balancer on the log, and end it by SIGTERM."""
    ports = PortReservations()
    port = ports.reserve()
    env = environment(lab, PORT=str(port), DATABASE_URL=log.url, **changes)
    async with (
        another_lb(env) as process,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        await eventually(lambda: is_quiet(client), "it serves")
        yield client
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    ports.release()


async def remove(client: httpx.AsyncClient, collection: str, *ids: str) -> None:
    body = {"ids": list(ids)}
    answer = await client.post(f"{COLLECTIONS}/{collection}/delete", json=body)
    assert answer.status_code == 200, answer.text


async def test_a_log_that_is_dumped_under_load_and_then_moved_loses_nothing(
    lb: httpx.AsyncClient, lab: ProcessLab, log: Log
) -> None:
    await lab.kill("lb")
    await log.begin_anew()
    async with lb_on(log, lab) as client:
        stable_id = await create(client, "moved-log")
        once = {"Transaction-ID": "only-once"}
        path = f"{COLLECTIONS}/moved-log/upsert"
        body = {"ids": ["once"], "embeddings": [[1.0, 1.0]]}
        assert (await client.post(path, json=body, headers=once)).status_code == 200
        writers = Writers(str(client.base_url), "moved-log")
        await writers.more()
        await log.dump()
        await writers.more()
        await writers.stop()

    last = await log.dump()
    await log.begin_anew()
    await log.restore(last)

    async with lb_on(log, lab) as client:
        known = (await client.get(f"{COLLECTIONS}/moved-log")).json()["id"]
        assert known == stable_id
        repeated = await client.post(path, json={**body, "ids": ["other"]}, headers=once)
        assert repeated.status_code in (409, 422), "the transaction is known"
        assert (await add(client, stable_id, "after")).status_code == 201
        await eventually(lambda: is_quiet(client), "both instances have it")
        expected = sorted([*writers.acknowledged, "once", "after"])
        for ids in (await ids_on_instances(lab, "moved-log")).values():
            assert sorted(ids) == expected


async def test_after_the_log_was_lost_an_empty_one_takes_over_what_the_instances_hold(
    lb: httpx.AsyncClient, lab: ProcessLab, log: Log
) -> None:
    """One instance lacks an acknowledged write, which only the lost log knew."""
    await lab.kill("lb")
    await log.begin_anew()
    async with lb_on(log, lab) as client:
        await create(client, "log-lost")
        await add(client, "log-lost", "a")
        await eventually(lambda: is_quiet(client), "both instances have it")
        await lab.kill("replica")
        assert (await add(client, "log-lost", "b")).status_code == 201
    await lab.restart("replica")
    await log.begin_anew()

    async with lb_on(log, lab) as client:

        async def is_adopted() -> bool:
            collections = (await client.get("/collection/mappings")).json()["mappings"]
            return any(each["name"] == "log-lost" for each in collections)

        await eventually(is_adopted, "what both instances have is taken in")
        compared = (await client.post("/admin/compare")).json()["comparisons"]
        outcomes = {each["outcome"] for each in compared if each["collection"] == "log-lost"}
        assert outcomes == {"different"}, compared
        answer = await client.post("/admin/collections/log-lost/repair", json={"from": "primary"})
        assert answer.status_code == 202, answer.text

        async def is_equal() -> bool:
            held = (await ids_on_instances(lab, "log-lost")).values()
            return all(ids == ["a", "b"] for ids in held)

        await eventually(is_equal, "the replica has a copy of the primary's")


async def test_an_older_log_repeats_what_it_takes_for_pending(
    lb: httpx.AsyncClient, lab: ProcessLab, log: Log
) -> None:
    """The limit that docs/deploy-render.md warns of: what was deleted since comes back, on both."""
    await lab.kill("lb")
    await log.begin_anew()
    async with lb_on(log, lab, WRITE_TIMEOUT_SECONDS="2") as client:
        await create(client, "older-log")
        await add(client, "older-log", "a")
        await eventually(lambda: is_quiet(client), "both instances have it")
        await lab.kill("primary")
        await lab.kill("replica")
        assert (await add(client, "older-log", "b")).status_code == 503
        older = await log.dump()
        await lab.restart("primary")
        await lab.restart("replica")

        async def has_b() -> bool:
            held = (await ids_on_instances(lab, "older-log")).values()
            return all(ids == ["a", "b"] for ids in held)

        await eventually(has_b, "the write is applied when the instances are back")
        await remove(client, "older-log", "b")
        await eventually(lambda: is_quiet(client), "both instances have deleted it")
    assert set(map(tuple, (await ids_on_instances(lab, "older-log")).values())) == {("a",)}

    await log.begin_anew()
    await log.restore(older)
    async with lb_on(log, lab):
        await eventually(has_b, "what was deleted since is there again")
