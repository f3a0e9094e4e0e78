import asyncio
from itertools import repeat
from typing import cast

import pytest

from harness.client.recording import RecordingClient
from harness.errors import UsageError
from harness.model.operation import Addressing, Invocation, Kind
from harness.runner.client_process import ClientProcess, taking_part
from harness.workloads.pace import ClosedPace, Pace, client_names

GET = Invocation(kind=Kind.GET, addressing=Addressing.WHERE, collection="AUTOTEST_1", file="f")
MILLISECOND = 1_000_000


class StandInClient:
    """Notes intended starts; each call takes as long on the stand-in clock as `takes_ns` says."""

    def __init__(self, takes_ns: list[int], stop: asyncio.Event) -> None:
        self.now_ns = 0
        self.started: list[tuple[int, int]] = []
        self._takes_ns = takes_ns
        self._stop = stop

    async def perform(self, invocation: Invocation, intended_ns: int) -> None:
        self.now_ns = max(self.now_ns, intended_ns)
        self.started.append((intended_ns, self.now_ns))
        self.now_ns += self._takes_ns[len(self.started) - 1]
        if len(self.started) == len(self._takes_ns):
            self._stop.set()


OPEN = Pace(0, 10 * MILLISECOND)


async def starts(takes_ns: list[int], pace: Pace | ClosedPace = OPEN) -> list[tuple[int, int]]:
    stop = asyncio.Event()
    client = StandInClient(takes_ns, stop)
    process = ClientProcess(
        cast("RecordingClient", client),
        repeat(GET),
        pace,
        lambda: client.now_ns,
    )
    async with asyncio.timeout(20):
        await process.run(stop)
    return [(i // MILLISECOND, s // MILLISECOND) for i, s in client.started]


async def test_operations_begin_at_their_intended_starts() -> None:
    assert await starts([1 * MILLISECOND] * 3) == [(0, 0), (10, 10), (20, 20)]


async def test_a_client_that_was_held_up_keeps_the_intended_starts() -> None:
    takes_ns = [35 * MILLISECOND, *[1 * MILLISECOND] * 4]
    assert await starts(takes_ns) == [(0, 0), (10, 35), (20, 36), (30, 37), (40, 40)]


@pytest.mark.parametrize(
    ("think_ms", "expected"), [(0, [(0, 0), (35, 35), (36, 36)]), (5, [(0, 0), (40, 40), (46, 46)])]
)
async def test_in_the_closed_loop_a_client_waits_for_its_answer_and_thinks(
    think_ms: int, expected: list[tuple[int, int]]
) -> None:
    takes_ns = [35 * MILLISECOND, *[1 * MILLISECOND] * 2]
    assert await starts(takes_ns, ClosedPace(0, think_ms * MILLISECOND)) == expected


async def test_a_client_that_is_told_to_stop_does_not_begin_another_operation() -> None:
    stop = asyncio.Event()
    stop.set()
    client = StandInClient([], stop)
    await ClientProcess(
        cast("RecordingClient", client), repeat(GET), Pace(0, 1), lambda: client.now_ns
    ).run(stop)
    assert client.started == []


def test_clients_that_do_not_take_part_leave_the_pace_of_the_others_as_it_is() -> None:
    paces = [Pace.of(name, 5, 10.0, start_ns=1000) for name in client_names(5)]
    assert paces == [Pace(1000 + n * 100_000_000, 500_000_000) for n in range(5)]


def test_all_clients_take_part_unless_some_are_chosen() -> None:
    assert taking_part(3, ()) == ("client-1", "client-2", "client-3")
    assert taking_part(3, ("client-3", "client-1")) == ("client-1", "client-3")


def test_a_client_that_the_run_does_not_have_is_named() -> None:
    with pytest.raises(UsageError, match="no client-4; its clients are client-1, client-2"):
        taking_part(2, ("client-1", "client-4"))
