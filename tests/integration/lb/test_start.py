"""How the process starts and stops: settings, schema, a taken port, a second one, signals."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

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
        ({"PRIMARY_URL": "chroma:http"}, "PRIMARY_URL"),
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


@pytest.mark.alone
async def test_watchers_of_the_live_page_do_not_delay_the_end(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    ports = PortReservations()
    port = str(ports.reserve())
    async with (
        another_lb(environment(lab, PORT=port)) as process,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):

        async def answers() -> bool:
            return (await client.get("/health")).status_code == 200

        await eventually(answers, "it listens")
        async with client.stream("GET", "/events") as stream:
            events = stream.aiter_text()
            assert "retry:" in await anext(events)
            process.send_signal(signal.SIGTERM)
            signalled_at = time.monotonic()
            async for _ in events:
                pass
            assert await process.wait() == 0
        assert time.monotonic() - signalled_at < 2
    ports.release()


@pytest.mark.alone
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
            held = asyncio.create_task(add(second, "handed-over", "second"))

            async def waits() -> bool:
                return (await second.get("/status")).json()["requests"]["in_flight"] == 1

            await eventually(waits, "the request is held")
            await lab.kill("lb")
            killed_at = time.monotonic()
            assert (await held).status_code == 201
            assert time.monotonic() - killed_at < 5
            await eventually(is_active, "the second one is active")
            assert await ids_in(second, "handed-over") == ["first", "second"]
            process.send_signal(signal.SIGTERM)
            await process.communicate()
            assert process.returncode == 0
    ports.release()


async def test_a_request_that_a_standby_cannot_hold_any_longer_gets_503(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "held")
    ports = PortReservations()
    port = ports.reserve()
    env = environment(lab, PORT=str(port), STANDBY_HOLD_SECONDS="0.2")
    async with (
        another_lb(env),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as second,
    ):

        async def answers() -> bool:
            return (await second.get("/health")).json()["role"] == "standby"

        await eventually(answers, "the second one stands by")
        refused = await add(second, "held", "too-early")
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
    ports.release()
    assert await ids_in(lb, "held") == []


async def test_a_rolling_deploy_fails_no_request(lb: httpx.AsyncClient, lab: ProcessLab) -> None:
    """Start the new one, send it the traffic when it is healthy, then SIGTERM the old one."""
    await create(lb, "deployed")
    await lab.kill("lb")
    ports = PortReservations()
    urls = [f"http://127.0.0.1:{ports.reserve()}" for _ in range(2)]
    first, second = (environment(lab, PORT=url.rsplit(":", 1)[1]) for url in urls)
    current = urls[0]
    acknowledged: list[str] = []
    stop = asyncio.Event()

    async def work(worker: int) -> None:
        async with httpx.AsyncClient(timeout=30) as client:
            for number in count():
                if stop.is_set():
                    return
                client.base_url = httpx.URL(current)
                answer = await add(client, "deployed", f"w{worker}-{number}")
                assert answer.status_code == 201, answer.text
                acknowledged.append(f"w{worker}-{number}")

    async def has_role(url: str, role: str) -> bool:
        async with httpx.AsyncClient(base_url=url) as client:
            answer = await client.get("/health")
        return answer.status_code == 200 and answer.json()["role"] == role

    async def more_than(number: int) -> bool:
        return len(acknowledged) > number or any(worker.done() for worker in workers)

    async with another_lb(first) as old:
        await eventually(lambda: has_role(urls[0], "active"), "the old one serves")
        workers = [asyncio.create_task(work(n), name=f"worker {n}") for n in range(4)]
        await eventually(lambda: more_than(20), "writes succeed on the old one")
        async with another_lb(second) as new:
            await eventually(lambda: has_role(urls[1], "standby"), "the new one is healthy")
            current = urls[1]
            old.send_signal(signal.SIGTERM)
            before = len(acknowledged)
            await eventually(lambda: more_than(before + 20), "writes succeed on the new one")
            stop.set()
            await asyncio.gather(*workers)
            assert await old.wait() == 0
            async with httpx.AsyncClient(base_url=urls[1], timeout=30) as client:
                assert sorted(await ids_in(client, "deployed")) == sorted(acknowledged)
            new.send_signal(signal.SIGTERM)
            assert await new.wait() == 0
    ports.release()


async def test_after_sigterm_an_answer_ends_its_connection_and_no_request_is_lost(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """A client that has an idle connection open may send at any moment, this one included."""
    await create(lb, "left-politely")
    await lab.kill("lb")
    ports = PortReservations()
    port = ports.reserve()
    url = f"http://127.0.0.1:{port}"
    async with (
        another_lb(environment(lab, PORT=str(port))) as process,
        httpx.AsyncClient(base_url=url, timeout=30) as first,
        httpx.AsyncClient(base_url=url, timeout=30) as second,
    ):

        async def answers() -> bool:
            return (await first.get("/health")).json()["healthy_instances"] == 2

        await eventually(answers, "it is active")
        await second.get("/health")
        process.send_signal(signal.SIGTERM)

        async def part(client: httpx.AsyncClient) -> None:
            told = ""
            while told != "close":
                answer = await add(client, "left-politely", "a")
                assert answer.status_code == 201
                told = answer.headers.get("Connection", "")

        async with asyncio.timeout(10):
            await asyncio.gather(part(first), part(second))
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

    async def is_free() -> bool:
        held = "select count(*) from pg_locks where locktype = 'advisory'"
        return await connection.fetchval(held) == 0

    # PostgreSQL ends a session a moment after its connection.
    await eventually(is_free, "nobody holds the lock")
    await connection.close()


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
