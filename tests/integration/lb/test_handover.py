"""A newcomer that clients are sent to gets the lead, long before its predecessor is ended."""

import signal

import asyncpg
import httpx

from harness.labs.ports import PortReservations
from harness.labs.processes import ProcessLab
from tests.integration.lb.calls import add, create, eventually, ids_in
from tests.integration.lb.moving_clients import Writers, has_role
from tests.integration.lb.test_start import another_lb, environment

ASKING = {"TAKE_OVER_ON_REQUEST": "true"}


async def test_clients_move_first_and_the_old_one_lets_go_without_an_error(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """The order of a deploy on Render: healthy, clients move, and much later SIGTERM."""
    await create(lb, "moved")
    await lab.kill("lb")
    ports = PortReservations()
    old_url, new_url = (f"http://127.0.0.1:{ports.reserve()}" for _ in range(2))
    first, second = (
        environment(lab, PORT=url.rsplit(":", 1)[1], **ASKING) for url in (old_url, new_url)
    )
    async with another_lb(first) as old:
        await eventually(lambda: has_role(old_url, "active"), "the old one serves")
        writers = Writers(old_url, "moved")
        await writers.more()
        async with another_lb(second) as new:
            await eventually(lambda: has_role(new_url, "standby"), "the new one is healthy")
            await writers.more()
            assert await has_role(old_url, "active"), "nobody has asked: clients are not there yet"

            writers.url = new_url
            await writers.more()
            assert await has_role(new_url, "active")
            await eventually(lambda: has_role(old_url, "standby"), "the old one stands by")
            await writers.stop()
            assert old.returncode is None

            old.send_signal(signal.SIGTERM)
            assert await old.wait() == 0
            async with httpx.AsyncClient(base_url=new_url, timeout=30) as client:
                assert sorted(await ids_in(client, "moved")) == sorted(writers.acknowledged)
            new.send_signal(signal.SIGTERM)
            assert await new.wait() == 0
    ports.release()


async def test_who_has_let_go_never_asks_back_but_takes_over_from_one_that_dies(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "not-in-turn")
    await lab.kill("lb")
    ports = PortReservations()
    old_url, new_url = (f"http://127.0.0.1:{ports.reserve()}" for _ in range(2))
    first, second = (
        environment(lab, PORT=url.rsplit(":", 1)[1], STANDBY_HOLD_SECONDS="2.5", **ASKING)
        for url in (old_url, new_url)
    )
    async with (
        another_lb(first),
        httpx.AsyncClient(base_url=old_url, timeout=30) as to_old,
        httpx.AsyncClient(base_url=new_url, timeout=30) as to_new,
    ):
        await eventually(lambda: has_role(old_url, "active"), "the old one serves")
        async with another_lb(second) as new:
            await eventually(lambda: has_role(new_url, "standby"), "the new one is healthy")
            assert (await add(to_new, "not-in-turn", "a")).status_code == 201
            await eventually(lambda: has_role(old_url, "standby"), "the old one stands by")

            # Twice as long as an asker waits before it asks.
            assert (await add(to_old, "not-in-turn", "b")).status_code == 503
            assert await has_role(new_url, "active")

            new.kill()
            await new.wait()
            await eventually(lambda: has_role(old_url, "active"), "the old one takes over")
            assert (await add(to_old, "not-in-turn", "c")).status_code == 201
            assert await ids_in(to_old, "not-in-turn") == ["a", "c"]
    ports.release()


async def test_the_active_one_hears_a_newcomer_also_after_its_sessions_were_ended(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "heard")
    await lab.kill("lb")
    ports = PortReservations()
    old_url, new_url = (f"http://127.0.0.1:{ports.reserve()}" for _ in range(2))
    first, second = (
        environment(lab, PORT=url.rsplit(":", 1)[1], **ASKING) for url in (old_url, new_url)
    )
    async with another_lb(first), httpx.AsyncClient(base_url=new_url, timeout=30) as to_new:
        await eventually(lambda: has_role(old_url, "active"), "the old one serves")
        await eventually(lambda: end_listeners(lab), "it listens")
        async with another_lb(second):
            await eventually(lambda: has_role(new_url, "standby"), "the new one is healthy")
            assert (await add(to_new, "heard", "a")).status_code == 201
            assert await has_role(new_url, "active")
    ports.release()


async def end_listeners(lab: ProcessLab) -> int:
    """End the sessions that hear who asks for the lead; tells how many there were."""
    connection = await asyncpg.connect(lab.urls()["postgres"])
    try:
        ended = await connection.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name like 'chroma-lb % handover'"
        )
        return len(ended)
    finally:
        await connection.close()
