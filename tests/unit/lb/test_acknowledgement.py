import asyncio

import pytest

from lb.acknowledgement import Acknowledgement
from lb.catalogue import Collection
from lb.instances import State
from lb.log_tail import LogTail
from lb.model import Answer, Entry
from tests.unit.lb.stand_ins import OK, REFUSED, a_fleet, a_tail, an_active, an_entry

A, B = "primary", "replica"


@pytest.fixture
async def tail() -> LogTail:
    return a_tail(a_fleet(A, B))


@pytest.fixture
async def collection(tail: LogTail) -> Collection:
    return an_active(tail, "files", 1)


def settled(tail: LogTail, collection: Collection, answer: Answer) -> Entry:
    """Log an entry, and have the first instance answer it."""
    entry = an_entry(2)
    entry.lane_id = collection.id
    tail.add(collection, entry)
    collection.lane.mark_applied(A, entry)
    tail.settle(collection, entry, answer)
    return entry


async def test_the_first_outcome_is_enough_by_default(
    tail: LogTail, collection: Collection
) -> None:
    entry = settled(tail, collection, OK)
    acknowledgement = Acknowledgement(tail, of_all=False)
    await asyncio.wait_for(acknowledgement.wait(entry), 20)
    assert acknowledgement.is_due(entry)


async def test_of_all_waits_until_every_healthy_instance_has_the_write(
    tail: LogTail, collection: Collection
) -> None:
    entry = settled(tail, collection, OK)
    waiting = asyncio.create_task(Acknowledgement(tail, of_all=True).wait(entry))
    await asyncio.sleep(0)
    assert not waiting.done()

    collection.lane.mark_applied(B, entry)
    tail.advance(collection, B, entry)

    await asyncio.wait_for(waiting, 20)


async def test_of_all_does_not_wait_for_an_instance_that_is_not_healthy(
    tail: LogTail, collection: Collection
) -> None:
    entry = settled(tail, collection, OK)
    waiting = asyncio.create_task(Acknowledgement(tail, of_all=True).wait(entry))
    await asyncio.sleep(0)

    tail.fleet[B].move_to(State.DOWN, "arranged by the test")
    tail.notify()

    await asyncio.wait_for(waiting, 20)
    assert collection.lane.applied[B] < entry.position


async def test_of_all_tells_a_refusal_at_once(tail: LogTail, collection: Collection) -> None:
    entry = settled(tail, collection, REFUSED)
    acknowledgement = Acknowledgement(tail, of_all=True)
    await asyncio.wait_for(acknowledgement.wait(entry), 20)
    assert acknowledgement.is_due(entry)


async def test_of_all_tells_at_once_that_the_log_refused_a_write(tail: LogTail) -> None:
    entry = an_entry(2)
    entry.settled.set()
    acknowledgement = Acknowledgement(tail, of_all=True)
    await asyncio.wait_for(acknowledgement.wait(entry), 20)
    assert acknowledgement.is_due(entry)
