"""A load balancer on a log that PostgreSQL's own programs dump, lose and restore."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx

from harness.labs.ports import PortReservations
from harness.labs.processes import ProcessLab
from harness.parts.postgres import find_postgres
from tests.integration.lb.calls import COLLECTIONS, add, eventually, ids_on_instances, is_quiet
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


@asynccontextmanager
async def lb_on(
    log: Log,
    lab: ProcessLab,
    end: signal.Signals = signal.SIGTERM,
    until: Callable[[httpx.AsyncClient], Awaitable[bool]] = is_quiet,
    **changes: str,
) -> AsyncIterator[httpx.AsyncClient]:
    """Run a load balancer on the log, and end it."""
    ports = PortReservations()
    port = ports.reserve()
    env = environment(lab, PORT=str(port), DATABASE_URL=log.url, **changes)
    async with (
        another_lb(env) as process,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        await eventually(lambda: until(client), "it serves, or says why not")
        yield client
        process.send_signal(end)
        assert await process.wait() == (0 if end is signal.SIGTERM else -end)
    ports.release()


async def is_refused(client: httpx.AsyncClient) -> bool:
    """Tell whether it has found out that its log is not the instances'."""
    states = {each["state"] for each in (await client.get("/status")).json()["instances"]}
    return bool(await conflict(client)) and states == {"MISMATCHED"}


async def conflict(client: httpx.AsyncClient) -> str:
    identity = (await client.get("/status")).json()["identity"]
    return "" if identity is None else str(identity["conflict"])


async def check_is_refused(client: httpx.AsyncClient, collection: str) -> None:
    """Check that clients are told so at once, and nothing is logged."""
    assert (await client.get("/health")).status_code == 503
    before = (await client.get("/wal/status")).json()["last_position"]
    for answer in (
        await client.post(f"{COLLECTIONS}/{collection}/get", json={}),
        await add(client, collection, "refused"),
        await client.get(COLLECTIONS),
    ):
        assert (answer.status_code, answer.json()["error"]) == (503, "LogMismatch"), answer.text
        assert "nothing was done" in answer.json()["message"]
    assert (await client.get("/wal/status")).json()["last_position"] == before
    assert "chroma_lb_log_conflict 1.0" in (await client.get("/metrics")).text


async def take_over(client: httpx.AsyncClient) -> httpx.Response:
    """Have the log take over, as one does who has read /status."""
    marks = (await client.get("/status")).json()["identity"]["marks"]
    (writer,) = {each["log_id"] for each in marks.values()} - {None}
    return await client.post("/admin/log/take-over", json={"from_log": writer})


async def check_ids_everywhere(lab: ProcessLab, collection: str, *expected: str) -> None:
    for ids in (await ids_on_instances(lab, collection)).values():
        assert sorted(ids) == list(expected)
