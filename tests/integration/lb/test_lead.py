"""Invariant 9: only the active load balancer sends, and a crash of it is followed by a barrier."""

import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest

from harness.labs.base import Toxic
from harness.labs.ports import PortReservations
from harness.labs.processes import ProcessLab
from tests.integration.lb.calls import add, create, eventually, ids_in, ids_on_instances, is_quiet
from tests.integration.lb.test_start import another_lb, environment


@asynccontextmanager
async def silent_postgres(lab: ProcessLab) -> AsyncIterator[None]:
    """Let nothing more through between the load balancer and PostgreSQL, without a word."""
    both = ("upstream", "downstream")
    await lab.degrade("postgres", [Toxic("timeout", stream, {"timeout": 0}) for stream in both])
    try:
        yield
    finally:
        await lab.mend("postgres")


async def force(lb: httpx.AsyncClient, instance: str, healthy: bool) -> None:
    body = {"healthy": healthy, "duration_seconds": 60}
    (await lb.post(f"/admin/instances/{instance}/health", json=body)).raise_for_status()


async def replica_serves(lb: httpx.AsyncClient) -> bool:
    instances = (await lb.get("/admin/instances")).json()["instances"]
    return bool(instances[1]["healthy"])


async def log_of(lb: httpx.AsyncClient) -> dict[str, object]:
    return dict((await lb.get("/wal/status")).json())


async def test_nothing_is_sent_while_postgres_does_not_confirm_the_lock(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "fenced")
    await add(lb, "fenced", "a")
    await eventually(lambda: is_quiet(lb), "both instances have it")
    # Taken while the replica is believed to be well, so that the body is still in memory.
    await lab.kill("replica")
    await add(lb, "fenced", "b")

    async with silent_postgres(lab):

        async def is_unconfirmed() -> bool:
            return not (await log_of(lb))["lead_confirmed"]

        await eventually(is_unconfirmed, "the lock is not confirmed any more")
        await lab.restart("replica")
        await eventually(lambda: replica_serves(lb), "the replica is back")
        for _ in range(20):
            assert (await ids_on_instances(lab, "fenced"))["replica"] == ["a"]
        assert await ids_in(lb, "fenced") == ["a", "b"], "reads go on"

    await eventually(lambda: is_quiet(lb), "the log is applied when the lock is confirmed", 20)
    assert set(map(tuple, (await ids_on_instances(lab, "fenced")).values())) == {("a", "b")}


async def test_one_that_lost_the_lock_unnoticed_sends_nothing_and_ends(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """The network between it and PostgreSQL is silent, so it is not told that its session ended."""
    await create(lb, "usurped")
    await add(lb, "usurped", "a")
    await eventually(lambda: is_quiet(lb), "both instances have it")
    await lab.kill("replica")
    await add(lb, "usurped", "b")
    ports = PortReservations()
    port = ports.reserve()
    async with (
        another_lb(environment(lab, PORT=str(port))),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as second,
    ):

        async def role() -> object:
            return (await second.get("/status")).json()["role"]

        async def is_active() -> bool:
            return await role() == "active"

        async def stands_by() -> bool:
            return await role() == "standby"

        await eventually(stands_by, "the second one stands by")
        async with silent_postgres(lab):

            async def is_unconfirmed() -> bool:
                return not (await log_of(lb))["lead_confirmed"]

            await eventually(is_unconfirmed, "the first one has heard nothing of its lock")
            await end_sessions_behind_the_proxy(lab)
            await eventually(is_active, "the second one is active")
            assert (await add(second, "usurped", "c")).status_code == 201
            sent = (await log_of(lb))["sync_cycles"]
            await lab.restart("replica")
            await eventually(lambda: replica_serves(lb), "the replica is back for the first one")
            late = await lb.post(
                "/api/v2/tenants/default_tenant/databases/default_database/collections",
                json={"name": "usurped-2"},
            )
            assert late.status_code == 503
            assert (await log_of(lb))["sync_cycles"] == sent, "the first one has sent nothing"

        async def has_ended() -> bool:
            return not lab.is_alive("lb")

        await eventually(has_ended, "the first one ends when it learns of the other")
        await eventually(lambda: is_quiet(second), "the log is applied", 20)
        found = await ids_on_instances(lab, "usurped")
        assert set(map(tuple, found.values())) == {("a", "b", "c")}
    ports.release()


async def end_sessions_behind_the_proxy(lab: ProcessLab) -> None:
    """End the session that holds the lock, as PostgreSQL does when it takes its host for dead."""
    connection = await asyncpg.connect(lab.urls()["postgres"])
    try:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
        )
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("end", "settle_seconds", "waits"),
    [
        pytest.param(signal.SIGKILL, 2.0, True, id="after a crash"),
        pytest.param(signal.SIGTERM, 60.0, False, id="after a clean end"),
    ],
)
async def test_after_a_crash_a_lane_goes_on_only_when_canary_writes_have_settled(
    lb: httpx.AsyncClient,
    lab: ProcessLab,
    end: signal.Signals,
    settle_seconds: float,
    waits: bool,
) -> None:
    name = f"left-by-{end.name.lower()}"
    await create(lb, name)
    await add(lb, name, "a")
    await eventually(lambda: is_quiet(lb), "both instances have it")
    await lab.kill("lb")
    ports = PortReservations()
    port = ports.reserve()
    env = environment(lab, PORT=str(port), LATE_SETTLE_SECONDS=str(settle_seconds))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        async with another_lb(env) as process:
            await eventually(lambda: is_quiet(client), "the predecessor serves", 20)
            await force(client, "replica", healthy=False)
            await add(client, name, "b")
            process.send_signal(end)
            await process.wait()
        async with another_lb(env):
            started = time.monotonic()

            async def has_b() -> bool:
                return (await ids_on_instances(lab, name))["replica"] == ["a", "b"]

            await eventually(has_b, "the successor has brought the replica up to date", 20)
            seconds = time.monotonic() - started
            assert await ids_in(client, name) == ["a", "b"]
    assert not waits or seconds >= settle_seconds
    ports.release()


async def test_a_paused_load_balancer_does_not_go_on_sending_when_another_has_taken_over(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "paused")
    await add(lb, "paused", "a")
    await eventually(lambda: is_quiet(lb), "both instances have it")
    await lab.kill("replica")
    await add(lb, "paused", "b")
    identity = lab.processes()["lb"].identity
    assert identity is not None
    ports = PortReservations()
    port = ports.reserve()
    async with (
        another_lb(environment(lab, PORT=str(port))),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as second,
    ):

        async def answers() -> bool:
            return (await second.get("/health")).status_code == 200

        async def is_active() -> bool:
            return bool((await second.get("/status")).json()["role"] == "active")

        await eventually(answers, "the second one stands by")
        os.kill(identity.pid, signal.SIGSTOP)
        await lab.restart("replica")
        await end_sessions_behind_the_proxy(lab)
        await eventually(is_active, "the second one is active")
        assert (await add(second, "paused", "c")).status_code == 201
        os.kill(identity.pid, signal.SIGCONT)

        async def has_ended() -> bool:
            return not lab.is_alive("lb")

        await eventually(has_ended, "the first one ends when it learns of the other")
        await eventually(lambda: is_quiet(second), "the log is applied", 20)
        found = await ids_on_instances(lab, "paused")
        assert set(map(tuple, found.values())) == {("a", "b", "c")}
    ports.release()
