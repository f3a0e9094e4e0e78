import asyncio
import time
from collections.abc import Callable
from itertools import groupby
from typing import Any

import pytest

from lb.errors import (
    BadGatewayError,
    InstanceUnreachableError,
    NoInstanceError,
)
from lb.instances import State
from lb.log_tail import LogTail
from lb.model import Answer
from lb.reads import ATTEMPTS_PER_INSTANCE, READS_IN_A_ROW, Question, Reads
from tests.unit.lb.stand_ins import (
    BROKEN,
    OK,
    REFUSED,
    Behaviour,
    StandInUpstream,
    a_fleet,
    a_tail,
    an_active,
    an_entry,
    until,
)

A, B = "primary", "replica"
RESET = InstanceUnreachableError("somebody", "connection reset")
MISSING = Answer(404, b"{}")


class Bench:
    """Reads over two stand-in upstreams; an instance that is avoided is well again at once."""

    def __init__(self, *, timeout_seconds: float = 5.0, hedge_max_seconds: float = 5.0) -> None:
        self.tail: LogTail = a_tail(a_fleet(A, B, clock=time.monotonic))
        self.upstreams = {each.name: StandInUpstream(each) for each in self.tail.fleet}
        self.reads = Reads(
            self.upstreams, self.tail, time.monotonic, timeout_seconds, hedge_max_seconds
        )

    def behave(self, **behaviours: Behaviour | list[Behaviour]) -> None:
        for name, behaviour in behaviours.items():
            steps = behaviour if isinstance(behaviour, list) else [behaviour]
            self.upstreams[name].behaviours = steps

    def recover_at_once(self) -> None:
        """Bring a suspect instance back in the next turn of the loop, as a good probe would."""

        def come_back(instance: Any) -> None:
            if instance.state is State.SUSPECT:
                instance.move_to(State.CATCHING_UP, "probed")
                self.tail.notify()

        for instance in self.tail.fleet:
            instance.on_change = lambda changed: asyncio.get_running_loop().call_soon(
                come_back, changed
            )

    async def ask(self, **details: Any) -> Answer:
        return await self.reads.ask(Question("GET", lambda name: f"/{name}", **details))

    def asked(self) -> dict[str, int]:
        return {name: len(upstream.asked) for name, upstream in self.upstreams.items()}


def only(*names: str) -> Callable[[str], bool]:
    return lambda name: name in names


@pytest.mark.parametrize("answer", [OK, REFUSED, MISSING])
async def test_the_first_definite_answer_is_returned(answer: Answer) -> None:
    bench = Bench()
    bench.behave(primary=answer, replica=answer)

    assert await bench.ask() == answer
    assert sum(bench.asked().values()) == 1


async def test_an_instance_that_is_not_fresh_is_not_asked() -> None:
    bench = Bench()

    for _ in range(4):
        await bench.ask(may_ask=only(B))

    assert bench.asked() == {A: 0, B: 4}


@pytest.mark.parametrize("state", [State.SUSPECT, State.DOWN])
async def test_an_instance_that_is_avoided_is_not_asked(state: State) -> None:
    bench = Bench()
    bench.tail.fleet[A].move_to(state, "arranged")

    for _ in range(4):
        await bench.ask()

    assert bench.asked() == {A: 0, B: 4}


async def test_only_who_answered_is_noted() -> None:
    bench, noted = Bench(), []
    bench.behave(primary=RESET)

    for _ in range(4):
        await bench.ask(note=noted.append)

    assert set(noted) == {B}


@pytest.mark.parametrize("failure", [RESET, BROKEN])
async def test_a_failed_read_is_asked_of_another_instance(failure: Behaviour) -> None:
    bench = Bench()
    bench.behave(primary=failure)

    for _ in range(2):
        assert await bench.ask() == OK
    assert bench.asked()[A] >= 1


async def test_a_broken_connection_makes_the_instance_suspect() -> None:
    bench = Bench()
    bench.behave(primary=RESET)

    await bench.ask(may_ask=lambda name: name == A or bench.asked()[A] > 0)

    assert bench.tail.fleet[A].state is State.SUSPECT
    assert bench.tail.fleet[B].state is State.UP


async def test_a_slow_instance_is_hedged_and_its_read_is_cancelled() -> None:
    bench, never = Bench(hedge_max_seconds=0.02), asyncio.Event()
    bench.behave(primary=never)
    doubts: list[None] = []
    bench.tail.fleet[A].on_suspicion = lambda: doubts.append(None)

    started = time.monotonic()
    answer = await bench.ask(may_ask=lambda name: name == A or bench.asked()[A] > 0)

    assert answer == OK
    assert time.monotonic() - started >= 0.02
    assert bench.asked() == {A: 1, B: 1}
    assert bench.tail.fleet[A].outstanding_reads == 0
    assert len(doubts) == 1


async def test_the_slow_instance_may_still_win() -> None:
    bench, slow = Bench(hedge_max_seconds=0.01), asyncio.Event()
    bench.behave(primary=slow, replica=asyncio.Event())
    asking = asyncio.create_task(bench.ask())
    await until(lambda: bench.asked() == {A: 1, B: 1}, "both instances asked")

    slow.set()

    assert await asking == OK


async def test_a_5xx_from_all_is_passed_on() -> None:
    bench = Bench()
    bench.behave(primary=BROKEN, replica=BROKEN)

    assert await bench.ask() == BROKEN
    assert bench.asked() == {A: ATTEMPTS_PER_INSTANCE, B: ATTEMPTS_PER_INSTANCE}


async def test_a_5xx_accuses_its_instance_only_when_another_one_could_answer() -> None:
    bench = Bench()
    accused: list[tuple[str, str]] = []

    def ask() -> Any:
        return bench.ask(accuse=lambda *what: accused.append(what))

    bench.behave(primary=BROKEN, replica=BROKEN)
    await ask()
    bench.behave(primary=BROKEN, replica=REFUSED)
    await ask()
    await ask()
    assert accused == []
    bench.behave(primary=BROKEN, replica=OK)
    await ask()
    await ask()
    assert {name for name, error in accused if "500" in error} == {A}


async def test_broken_connections_from_all_are_a_bad_gateway() -> None:
    bench = Bench()
    bench.recover_at_once()
    bench.behave(primary=RESET, replica=RESET)

    with pytest.raises(BadGatewayError, match="connection reset"):
        await bench.ask()

    assert bench.asked() == {A: ATTEMPTS_PER_INSTANCE, B: ATTEMPTS_PER_INSTANCE}


async def test_a_missing_collection_accuses_the_instance_when_it_must_be_there() -> None:
    bench = Bench()
    bench.behave(primary=MISSING)

    for _ in range(4):
        assert await bench.ask(missing_is_fault=lambda: True) == OK

    assert "does not have the collection" in bench.tail.fleet[A].last_error
    assert bench.tail.fleet[A].state is State.UP


async def test_nobody_fresh_waits_until_somebody_is() -> None:
    bench, fresh = Bench(), set[str]()
    asking = asyncio.create_task(bench.ask(may_ask=lambda name: name in fresh))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert bench.asked() == {A: 0, B: 0}

    fresh.add(B)
    bench.tail.notify()

    async with asyncio.timeout(20):
        assert await asking == OK
    assert bench.asked() == {A: 0, B: 1}


async def test_freshness_that_comes_just_as_the_read_begins_to_wait_is_not_missed() -> None:
    bench, fresh = Bench(), set[str]()

    def become_fresh() -> None:
        fresh.add(B)
        bench.tail.notify()

    asking = asyncio.create_task(bench.ask(may_ask=lambda name: name in fresh))
    asyncio.get_running_loop().call_soon(become_fresh)

    async with asyncio.timeout(20):
        assert await asking == OK


async def test_nobody_in_time_is_an_error_that_says_why() -> None:
    bench = Bench(timeout_seconds=0.05)

    with pytest.raises(NoInstanceError, match="no instance is healthy and up to date"):
        await bench.ask(may_ask=only())


async def test_a_read_ends_in_time_when_all_instances_hang() -> None:
    bench = Bench(timeout_seconds=0.5, hedge_max_seconds=0.01)
    bench.behave(primary=asyncio.Event(), replica=asyncio.Event())

    with pytest.raises(NoInstanceError):
        await bench.ask()

    assert bench.asked() == {A: 1, B: 1}


@pytest.mark.parametrize("waits_for", ["an answer", "freshness"])
async def test_a_cancelled_read_leaves_nothing_behind(waits_for: str) -> None:
    bench = Bench(hedge_max_seconds=0.01)
    bench.behave(primary=asyncio.Event(), replica=asyncio.Event())
    before = asyncio.all_tasks()
    may_ask = only(A, B) if waits_for == "an answer" else only()
    asking = asyncio.create_task(bench.ask(may_ask=may_ask))
    wanted = 4 if waits_for == "an answer" else 2
    await until(lambda: len(asyncio.all_tasks() - before) >= wanted, f"{wanted} tasks")

    asking.cancel()

    await until(lambda: asyncio.all_tasks() == before, "no task left")
    assert [instance.outstanding_reads for instance in bench.tail.fleet] == [0, 0]


async def test_an_answered_read_leaves_nothing_behind() -> None:
    bench, before = Bench(hedge_max_seconds=0.01), asyncio.all_tasks()
    bench.behave(primary=asyncio.Event())

    for _ in range(3):
        await bench.ask()

    await until(lambda: asyncio.all_tasks() == before, "no task left")


async def test_reads_that_arrive_together_are_spread_by_what_is_outstanding() -> None:
    bench, released = Bench(), asyncio.Event()
    bench.behave(primary=released, replica=released)
    bench.tail.fleet[A].read_latency.mean_seconds = 10.0
    bench.tail.fleet[B].read_latency.mean_seconds = 10.0
    bench.tail.fleet[A].outstanding_reads = 4

    asking = [asyncio.create_task(bench.ask()) for _ in range(10)]
    await until(lambda: sum(bench.asked().values()) == 10, "ten reads under way")

    assert bench.asked() == {A: 3, B: 7}
    released.set()
    await asyncio.gather(*asking)


async def test_the_least_busy_instance_is_asked() -> None:
    bench = Bench()
    bench.tail.fleet[A].outstanding_reads = 1

    for _ in range(4):
        await bench.ask()

    assert bench.asked() == {A: 0, B: 4}


async def test_while_an_instance_lacks_something_each_read_goes_to_the_next_one() -> None:
    bench = Bench()
    bench.tail.add(an_active(bench.tail, "files", 1), an_entry(2))

    for _ in range(10):
        await bench.ask()

    assert bench.asked() == {A: 5, B: 5}


async def test_at_rest_equally_busy_instances_take_turns_of_some_reads_each() -> None:
    bench = Bench()
    order: list[str] = []

    for _ in range(4 * READS_IN_A_ROW):
        await bench.ask(note=order.append)

    turns = [(name, len(list(reads))) for name, reads in groupby(order)]
    assert turns == [(name, READS_IN_A_ROW) for name in (A, B, A, B)]
