from datetime import UTC, datetime, timedelta

import pytest

from lb.bounds import Bounds, LogBounds
from lb.catalogue import Collection
from lb.errors import LogFullError
from lb.instances import State
from lb.log_tail import LogTail
from lb.membership import Memberships
from lb.model import Entry, Progress
from tests.unit.lb.stand_ins import OK, a_fleet, a_tail, an_active, an_entry

A, B, C = "primary", "replica", "replica-2"
LONG_AGO = datetime.now(UTC) - timedelta(seconds=60)


class StandInLog:
    """In place of the log: takes progress down, durable at once."""

    def __init__(self) -> None:
        self.recorded: list[Progress] = []

    async def record(self, progress: Progress) -> None:
        self.recorded.append(progress)


class Bench:
    """One collection, some instances that are away, and bounds of two entries and 100 bytes."""

    def __init__(self, *names: str, away: tuple[str, ...] = ()) -> None:
        self.tail: LogTail = a_tail(a_fleet(*names))
        self.collection: Collection = an_active(self.tail, "files", 1)
        self.log = StandInLog()
        bounds = Bounds(entries=2, body_bytes=100, age_seconds=3600)
        self.bounds = LogBounds(self.tail, Memberships(self.tail, self.log), bounds)
        for name in away:
            self.tail.fleet[name].move_to(State.DOWN, "it is killed")
            self.tail.fleet[name].since = LONG_AGO
        self.position = 1

    def log_some(self, count: int, *taken_by: str, body_bytes: int = 2, **details: object) -> None:
        for _ in range(count):
            self.position += 1
            entry = an_entry(self.position)
            entry.lane_id, entry.body_bytes = self.collection.id, body_bytes
            for key, value in details.items():
                setattr(entry, key, value)
            self.tail.add(self.collection, entry)
            for name in taken_by:
                self.take(entry, name)

    def take(self, entry: Entry, name: str) -> None:
        self.collection.lane.mark_applied(name, entry)
        self.tail.settle(self.collection, entry, OK)
        self.tail.advance(self.collection, name, entry)

    async def look(self, name: str) -> State:
        await self.bounds.look(self.tail.fleet[name])
        return self.tail.fleet[name].state


async def test_within_the_bounds_the_log_waits_for_an_instance_that_is_away() -> None:
    bench = Bench(A, B, away=(B,))
    bench.log_some(2, A)

    assert await bench.look(B) is State.DOWN
    assert bench.collection.lane.members == (A, B)


@pytest.mark.parametrize(
    ("count", "details", "named"),
    [
        (3, {}, "3 entries"),
        (1, {"body_bytes": 101}, "101 bytes"),
        (1, {"logged_at": LONG_AGO - timedelta(hours=1)}, "older than 3600 s"),
    ],
)
async def test_past_a_bound_it_leaves_where_it_is_behind_and_says_why(
    count: int, details: dict[str, object], named: str
) -> None:
    bench = Bench(A, B, away=(B,))
    equal = an_active(bench.tail, "equal", 1000)
    bench.log_some(count, A, **details)  # type: ignore[arg-type]
    uuid = bench.collection.uuids[B]

    assert await bench.look(B) is State.NEEDS_REBUILD
    assert named in bench.tail.fleet[B].cause
    assert bench.collection.lane.members == (A,)
    assert equal.lane.members == (A, B)
    assert [each.uuid for each in bench.tail.leftovers.on(B)] == [uuid]
    (left,) = bench.log.recorded
    assert left.membership is not None
    assert left.membership.position is None
    assert left.leftover is not None
    assert len(bench.tail) == 0


async def test_an_instance_is_not_given_up_at_once() -> None:
    bench = Bench(A, B, away=(B,))
    bench.tail.fleet[B].since = datetime.now(UTC)
    bench.log_some(3, A)

    assert await bench.look(B) is State.DOWN


async def test_an_instance_that_has_more_than_those_that_serve_is_waited_for() -> None:
    bench = Bench(A, B, away=(A,))
    bench.log_some(1, A)
    bench.log_some(5)

    assert await bench.look(A) is State.DOWN
    assert bench.collection.lane.members == (A, B)


async def test_when_all_are_away_nobody_leaves_and_the_log_is_full_at_its_bound() -> None:
    bench = Bench(A, B, away=(A, B))
    bench.log_some(1)
    bench.bounds.check_room()
    bench.log_some(1)

    for name in (A, B):
        assert await bench.look(name) is State.DOWN
    with pytest.raises(LogFullError, match="3 entries"):
        bench.bounds.check_room()

    bench.tail.fleet[B].move_to(State.CATCHING_UP, "it answers probes")
    bench.bounds.check_room()


async def test_an_instance_that_is_away_and_is_no_member_needs_a_rebuild() -> None:
    bench = Bench(A, B, away=(B,))
    bench.tail.leave(bench.collection, B)

    assert await bench.look(B) is State.NEEDS_REBUILD
    assert bench.log.recorded == []
