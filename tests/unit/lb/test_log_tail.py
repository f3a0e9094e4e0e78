import asyncio

import pytest

from lb.catalogue import Collection
from lb.instances import State
from lb.log_tail import LogTail
from lb.model import CollectionState, Dependency, Entry, Kind
from tests.unit.lb.stand_ins import (
    DATABASE,
    OK,
    REFUSED,
    TENANT,
    a_fleet,
    a_tail,
    an_active,
    an_entry,
    bring_to,
    name,
)

A, B = "primary", "replica"


@pytest.fixture
async def tail() -> LogTail:
    return a_tail(a_fleet(A, B))


@pytest.fixture
async def collection(tail: LogTail) -> Collection:
    return an_active(tail, "files", 1)


def logged(tail: LogTail, collection: Collection, position: int, kind: Kind = Kind.ADD) -> Entry:
    entry = an_entry(position, kind)
    entry.lane_id = collection.id
    tail.add(collection, entry)
    return entry


def applied(tail: LogTail, collection: Collection, entry: Entry, *instances: str) -> bool:
    gone = False
    for each in instances:
        collection.lane.mark_applied(each, entry)
        gone = tail.advance(collection, each, entry)
    return gone


async def test_the_first_outcome_stands(tail: LogTail, collection: Collection) -> None:
    entry = logged(tail, collection, 2)

    assert tail.settle(collection, entry, REFUSED)
    assert not tail.settle(collection, entry, OK)

    assert entry.outcome is REFUSED
    assert entry.settled.is_set()


@pytest.mark.parametrize(("answer", "acked"), [(OK, 2), (REFUSED, 1)])
async def test_only_what_took_effect_is_acknowledged(
    tail: LogTail, collection: Collection, answer: object, acked: int
) -> None:
    entry = logged(tail, collection, 2)
    collection.lane.acked = 1

    tail.settle(collection, entry, answer)

    assert collection.lane.acked == acked


async def test_a_backlog_is_counted_for_each_instance(
    tail: LogTail, collection: Collection
) -> None:
    first, second = logged(tail, collection, 2), logged(tail, collection, 3)
    assert tail.oldest() is first

    applied(tail, collection, first, A)
    applied(tail, collection, second, A)

    assert (tail.backlog(A), tail.backlog(B)) == (0, 2)
    assert not tail.is_behind(A, 3)
    assert tail.is_behind(B, 2)
    assert not tail.is_behind(B, 1)
    assert tail.oldest() is first


async def test_a_transaction_is_known_until_it_is_applied_everywhere(
    tail: LogTail, collection: Collection
) -> None:
    entry = logged(tail, collection, 2)

    applied(tail, collection, entry, A)
    assert tail.by_transaction("t2") is entry

    applied(tail, collection, entry, B)
    assert tail.by_transaction("t2") is None
    assert len(tail) == 0
    assert tail.oldest() is None


async def test_a_dropped_collection_is_gone_when_no_instance_has_it(
    tail: LogTail, collection: Collection
) -> None:
    entry = logged(tail, collection, 2, Kind.DROP)
    tail.catalogue.drop(collection, entry)
    for each in (A, B):
        tail.catalogue.map(collection, each, None)

    assert not applied(tail, collection, entry, A)
    assert collection.state is CollectionState.DROPPING
    assert applied(tail, collection, entry, B)

    assert collection.state is CollectionState.DROPPED
    assert tail.catalogue.get(collection.id) is None


@pytest.mark.parametrize("fate", ["dropped", "never created"])
async def test_an_entry_that_is_logged_when_its_collection_is_gone_is_still_settled(
    tail: LogTail, collection: Collection, fate: str
) -> None:
    """It was submitted while the collection was still known."""
    late = an_entry(9)
    if fate == "dropped":
        drop = logged(tail, collection, 2, Kind.DROP)
        tail.catalogue.drop(collection, drop)
        for each in (A, B):
            tail.catalogue.map(collection, each, None)
        applied(tail, collection, drop, A, B)
    else:
        collection = tail.catalogue.reserve(name("x"))
        create = logged(tail, collection, 2, Kind.CREATE)
        tail.settle(collection, create, REFUSED)

    tail.add(collection, late)

    assert collection.lane.queues[A][-1] is late
    assert tail.settle(collection, late, REFUSED)
    assert tail.backlog(B) >= 1


@pytest.mark.parametrize(
    ("kind", "told"), [(Kind.DROP, 1), (Kind.MODIFY, 1), (Kind.CREATE, 1), (Kind.ADD, 0)]
)
async def test_who_waits_for_a_freed_name_is_told_when_an_instance_has_freed_it(
    tail: LogTail, collection: Collection, kind: Kind, told: int
) -> None:
    calls: list[None] = []
    tail.on_freed = lambda: calls.append(None)
    entry = logged(tail, collection, 2, kind)

    applied(tail, collection, entry, A)

    assert len(calls) == told


async def test_a_dependency_is_satisfied_on_each_instance_by_itself(
    tail: LogTail, collection: Collection
) -> None:
    entry = logged(tail, collection, 2, Kind.DROP)
    later = an_entry(3, Kind.CREATE)
    later.after = Dependency(collection.id, 2)
    assert not tail.is_in_turn(later, A)

    applied(tail, collection, entry, A)
    assert tail.is_in_turn(later, A)
    assert not tail.is_in_turn(later, B)

    applied(tail, collection, entry, B)
    assert tail.is_in_turn(later, B)


async def test_a_create_waits_for_earlier_writes_of_databases_on_each_instance(
    tail: LogTail,
) -> None:
    namespaces = tail.catalogue.namespaces
    database = logged(tail, namespaces, 2, Kind.CREATE_DATABASE)
    assert tail.is_in_turn(an_entry(1, Kind.CREATE), A)
    create = an_entry(3, Kind.CREATE)
    assert not tail.is_in_turn(create, A)

    applied(tail, namespaces, database, A)

    assert tail.is_in_turn(create, A)
    assert not tail.is_in_turn(create, B)


async def test_the_end_of_a_database_waits_for_earlier_writes_inside_it_and_no_others(
    tail: LogTail, collection: Collection
) -> None:
    inside = logged(tail, collection, 2)
    gone, other = an_entry(3, Kind.DROP_DATABASE), an_entry(3, Kind.DROP_DATABASE)
    gone.path = f"/api/v2/tenants/{TENANT}/databases/{DATABASE}"
    other.path = f"/api/v2/tenants/{TENANT}/databases/another"
    assert not tail.is_in_turn(gone, A)
    assert tail.is_in_turn(other, A)

    applied(tail, collection, inside, A)
    logged(tail, collection, 4)

    assert tail.is_in_turn(gone, A)
    assert not tail.is_in_turn(gone, B)


async def test_waiters_are_woken_when_something_moves(
    tail: LogTail, collection: Collection
) -> None:
    waiting = asyncio.create_task(tail.next_move().wait())
    await asyncio.sleep(0)
    assert not waiting.done()

    tail.settle(collection, logged(tail, collection, 2), OK)

    async with asyncio.timeout(20):
        await waiting


@pytest.mark.parametrize(("state", "kept"), [(State.UP, True), (State.SUSPECT, False)])
async def test_the_body_stays_in_memory_only_while_everybody_can_take_it_soon(
    state: State, kept: bool
) -> None:
    fleet = a_fleet(A, B, state=State.DOWN)
    bring_to(fleet[A], State.UP)
    bring_to(fleet[B], state)
    tail = a_tail(fleet)
    collection = an_active(tail, "files", 1)
    entry = logged(tail, collection, 2)

    tail.settle(collection, entry, OK)

    assert (entry.body is not None) is kept


async def test_a_body_that_is_not_in_the_log_yet_stays_in_memory(
    tail: LogTail, collection: Collection
) -> None:
    entry = an_entry(2)
    tail.register(entry)

    tail.release_body(entry)

    assert entry.body is not None


async def test_what_comes_in_with_one_commit_is_told_once_for_each_collection(
    tail: LogTail, collection: Collection
) -> None:
    other, told = an_active(tail, "others", 2), list[Collection]()
    tail.on_change = told.append
    with tail.gathering():
        for position, each in enumerate((collection, other, collection), start=3):
            logged(tail, each, position)
        assert told == []

    assert told == [collection, other]
    logged(tail, other, 6)
    assert told == [collection, other, other]
