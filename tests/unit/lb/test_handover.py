import asyncio
from typing import Any

from lb.handover import CHANNEL, Request, first_of


class Connection:
    """Takes down what is executed on it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def execute(self, statement: str, channel: str) -> str:
        assert "pg_notify" in statement
        self.asked.append(channel)
        return "SELECT 1"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def asked_at(wanted: dict[float, bool]) -> list[float]:
    """Let a standby look at these times; tells at which of them it asked."""
    clock, connection, times = Clock(), Connection(), list[float]()
    request = Request(lambda: wanted[clock.now], clock)
    for clock.now in wanted:
        before = len(connection.asked)
        await request.ask(connection)  # type: ignore[arg-type]
        times += [clock.now] * (len(connection.asked) - before)
    assert set(connection.asked) <= {CHANNEL}
    return times


async def test_nobody_is_asked_while_no_client_waits() -> None:
    assert await asked_at({100.0: False, 101.0: False, 200.0: False}) == []


async def test_the_active_one_is_asked_once_a_second_while_clients_wait() -> None:
    times = {100.0: True, 100.1: True, 100.9: True, 101.0: True, 101.5: False, 102.5: True}
    assert await asked_at(times) == [100.0, 101.0, 102.5]


async def test_the_first_of_some_events_ends_the_wait_and_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    first, second = asyncio.Event(), asyncio.Event()
    waiting = asyncio.create_task(first_of(first, second))
    await asyncio.sleep(0)
    assert not waiting.done()
    second.set()
    await waiting
    await asyncio.sleep(0)
    remaining: Any = asyncio.all_tasks() - before
    assert remaining == set()
