"""How the process starts and stops: settings, schema, a taken port, a second one, signals."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest

from harness.labs.ports import PortReservations
from harness.labs.processes import ProcessLab
from lb.database import Database, migrate
from lb.errors import SchemaError
from tests.integration.lb.calls import add, create, eventually, ids_in


def environment(lab: ProcessLab, **changes: str) -> dict[str, str]:
    urls = lab.urls()
    settings = {
        "PRIMARY_URL": urls["primary"],
        "REPLICA_URL": urls["replica"],
        "DATABASE_URL": urls["postgres"],
    }
    return {**os.environ, **settings, **changes}


@asynccontextmanager
async def another_lb(env: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lb"),
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"PORT": "many"}, "PORT"),
        ({"PRIMARY_URL": "chroma:8000"}, "PRIMARY_URL"),
        ({"REPLICA_URL": ""}, "REPLICA_URL"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL"),
    ],
)
async def test_a_wrong_setting_ends_the_start_with_one_line(
    lab: ProcessLab, changes: dict[str, str], named: str
) -> None:
    async with another_lb(environment(lab, **changes)) as process:
        _, err = await process.communicate()
    assert process.returncode == 2
    (line,) = err.decode().splitlines()
    assert line.startswith(f"chroma-lb: {named}: ")


async def test_a_taken_port_is_named(lab: ProcessLab) -> None:
    port = lab.lb_url.rsplit(":", 1)[1]
    async with another_lb(environment(lab, PORT=port)) as process:
        _, err = await process.communicate()
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in err.decode()


async def test_a_second_load_balancer_stands_by_and_takes_over(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "handed-over")
    await add(lb, "handed-over", "first")
    ports = PortReservations()
    port = ports.reserve()
    async with another_lb(environment(lab, PORT=str(port))) as process:
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, timeout=30) as second:

            async def answers() -> bool:
                return (await second.get("/health")).status_code == 200

            async def is_active() -> bool:
                return (await second.get("/status")).json()["role"] == "active"

            await eventually(answers, "the second one listens")
            assert (await second.get("/health")).json()["role"] == "standby"
            refused = await add(second, "handed-over", "too-early")
            assert refused.status_code == 503
            assert refused.headers["Retry-After"]
            await lab.kill("lb")
            await eventually(is_active, "the second one is active")

            async def written() -> bool:
                return (await add(second, "handed-over", "second")).status_code == 201

            await eventually(written, "the second one takes writes")
            assert await ids_in(second, "handed-over") == ["first", "second"]
            process.send_signal(signal.SIGTERM)
            await process.communicate()
            assert process.returncode == 0
    ports.release()


async def test_sigterm_answers_requests_in_flight_and_frees_the_lock(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "stopping")
    await lab.kill("lb")
    ports = PortReservations()
    port = ports.reserve()
    async with another_lb(environment(lab, PORT=str(port))) as process:
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:

            async def active() -> bool:
                return (await client.get("/status")).json()["healthy_instances"] == 2

            await eventually(active, "it is active")
            burst = [asyncio.create_task(add(client, "stopping", f"d{n}")) for n in range(10)]

            async def some_in_flight() -> bool:
                return (await client.get("/status")).json()["requests"]["in_flight"] > 0 or all(
                    task.done() for task in burst
                )

            await eventually(some_in_flight, "requests are in flight")
            process.send_signal(signal.SIGTERM)
            answers = await asyncio.gather(*burst, return_exceptions=True)
        _, err = await process.communicate()
    ports.release()
    assert process.returncode == 0, err.decode()
    assert "Traceback" not in err.decode()
    statuses = [a.status_code for a in answers if isinstance(a, httpx.Response)]
    assert set(statuses) == {201}
    connection = await asyncpg.connect(lab.urls()["postgres"])
    held = await connection.fetchval("select count(*) from pg_locks where locktype = 'advisory'")
    await connection.close()
    assert held == 0


async def test_concurrent_starts_migrate_once_and_a_newer_schema_is_refused(
    lab: ProcessLab,
) -> None:
    admin = await asyncpg.connect(lab.urls()["postgres"])
    await admin.execute("create database schema_test")
    url = lab.urls()["postgres"].rsplit("/", 1)[0] + "/schema_test"
    sessions = [await Database.at(url, 5).connect() for _ in range(4)]
    applied = await asyncio.gather(*(migrate(session) for session in sessions))
    assert sorted(len(migrations) for migrations in applied) == [0, 0, 0, len(max(applied))]
    await sessions[0].execute("insert into schema_migrations values (9999, 'from the future')")
    with pytest.raises(SchemaError, match="9999"):
        await migrate(sessions[1])
    for session in sessions:
        await session.close()
    await admin.execute("drop database schema_test")
    await admin.close()
