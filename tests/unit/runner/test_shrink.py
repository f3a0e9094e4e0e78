from collections.abc import Callable

import msgspec
import pytest

from harness.model.schedule import Schedule, ScheduledFault
from harness.runner.shrink import Shrinker

CLIENTS = ("client-1", "client-2", "client-3", "client-4")
FAULTS = tuple(
    ScheduledFault(fault=f"{kind} {target}", at_seconds=3.0 * n, seconds=2.0)
    for n, (kind, target) in enumerate(
        [("cut", "replica"), ("kill", "primary"), ("pause", "lb"), ("reset", "postgres")]
    )
)
WHOLE = Schedule(seed=7, seconds=20.0, faults=FAULTS)


class Tried:
    """Answers by `fails`, and keeps what was tried."""

    def __init__(self, fails: Callable[[Schedule], bool]) -> None:
        self.schedules: list[Schedule] = []
        self._fails = fails

    async def __call__(self, schedule: Schedule) -> bool:
        self.schedules.append(schedule)
        return self._fails(schedule)


def kills(schedule: Schedule) -> bool:
    return FAULTS[1] in schedule.faults


async def test_the_fault_that_matters_is_left_with_its_time_and_a_client() -> None:
    def fails(schedule: Schedule) -> bool:
        return kills(schedule) and "client-3" in (schedule.clients or CLIENTS)

    smallest = await Shrinker(WHOLE, CLIENTS, Tried(fails)).shrink()
    assert smallest == Schedule(
        seed=7, seconds=5.0, faults=(FAULTS[1],), clients=("client-3",), limits=None
    )


async def test_what_needs_the_time_after_the_last_fault_keeps_it() -> None:
    def fails(schedule: Schedule) -> bool:
        return kills(schedule) and schedule.seconds == 20.0

    smallest = await Shrinker(WHOLE, CLIENTS, Tried(fails)).shrink()
    assert (smallest.faults, smallest.seconds) == ((FAULTS[1],), 20.0)


async def test_what_fails_without_a_fault_is_left_without_one() -> None:
    smallest = await Shrinker(WHOLE, CLIENTS, Tried(lambda _: True)).shrink()
    assert smallest.faults == ()


async def test_no_run_is_without_clients_and_none_is_tried_twice() -> None:
    tried = Tried(kills)
    smallest = await Shrinker(WHOLE, CLIENTS, tried).shrink()
    assert len(smallest.clients) == 1
    assert len(tried.schedules) == len(set(tried.schedules))


async def test_seed_and_limits_stay_as_they_are() -> None:
    schedule = msgspec.structs.replace(WHOLE, clients=CLIENTS[:2])
    tried = Tried(kills)
    await Shrinker(schedule, schedule.clients, tried).shrink()
    assert {candidate.seed for candidate in tried.schedules} == {7}
    assert all(set(candidate.clients) <= set(CLIENTS[:2]) for candidate in tried.schedules)


async def test_a_search_that_is_cut_short_keeps_the_smallest_that_failed() -> None:
    class OutOfTimeError(Exception):
        pass

    def fails(schedule: Schedule) -> bool:
        if len(schedule.faults) == 1:
            raise OutOfTimeError
        return kills(schedule)

    shrinker = Shrinker(WHOLE, CLIENTS, Tried(fails))
    with pytest.raises(OutOfTimeError):
        await shrinker.shrink()
    assert shrinker.smallest.faults == FAULTS[:2]
