"""What travels together to an instance, and what each client is told of it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from lb.errors import (
    InstanceUnreachableError,
    ServerFailedError,
)
from lb.instances import State
from lb.model import Answer, Entry, Kind
from lb.suspicion import CanaryAnswer, CanaryResult
from tests.unit.lb.applier_bench import A, B, Bench, running_bench
from tests.unit.lb.stand_ins import (
    OK,
    REFUSED,
    until,
)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async for bench in running_bench():
        yield bench


UPDATE = b'{"ids":["absent","there"],"embeddings":[[1],[2]]}'
FOUND = Answer(200, b'{"ids":["there"]}')


async def test_an_update_made_harmless_goes_to_the_others_as_the_first_one_got_it(
    bench: Bench,
) -> None:
    bench.servers[A].listed = FOUND
    bench.let(B)

    bench.logged(2, Kind.UPDATE, UPDATE)
    await until(lambda: bench.sent(A) == 1, "the first one is under way")
    for position, there in enumerate([b"x", b"y"], start=3):
        absent = UPDATE.replace(b"absent", there + b"-absent")
        bench.logged(position, Kind.UPDATE, absent.replace(b'"there"', b'"%s"' % there))
    bench.let(A)

    await until(lambda: bench.collection.lane.is_drained, "both instances have all")
    assert bench.servers[A].bodies == bench.servers[B].bodies
    assert len(bench.servers[A].bodies) == 2, "what waited was merged, on both"
    assert not any(b"absent" in body for body in bench.servers[A].bodies)
    assert bench.servers[B].reads == 0
    resolved = [progress.resolved for progress in bench.log.recorded if progress.resolved]
    assert [position for position, _ in resolved] == [2, 3, 4]


async def test_a_hedged_update_is_as_harmless_as_the_one_that_hangs() -> None:
    bench = Bench(hedge_max_seconds=0.02)
    bench.servers[A].listed = bench.servers[B].listed = FOUND
    bench.let(B)

    entry = bench.logged(2, Kind.UPDATE, UPDATE)

    await until(entry.settled.is_set, "the other has answered")
    assert bench.servers[B].bodies == bench.servers[A].bodies
    assert b'"absent"' not in bench.servers[B].bodies[0]
    await bench.stop()


async def test_an_update_whose_body_was_read_before_another_settled_it_is_made_harmless_too() -> (
    None
):
    """The body that it read is the client's, although the outcome is known when it is sent."""
    bench = Bench(hedge_max_seconds=0.02)
    bench.servers[A].listed = bench.servers[B].listed = FOUND
    has_read, is_going_on = asyncio.Event(), asyncio.Event()

    async def hold(point: str, *entries: Entry, instance: str = "") -> None:
        if (point, instance) == ("before-send", B):
            has_read.set()
            await is_going_on.wait()
        if (point, instance) == ("before-resolve", A):
            await has_read.wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lb.delivery.reach", hold)
        entry = bench.logged(2, Kind.UPDATE, UPDATE)
        bench.let(A, B)
        await until(entry.settled.is_set, "the first has answered")
        bench.tail.release_body(entry)
        is_going_on.set()
        await until(lambda: bench.sent(B) == 1, "the other is sent it")

    assert bench.servers[B].bodies == bench.servers[A].bodies
    await bench.stop()


def an_add(document: str) -> bytes:
    return b'{"ids":["%s"],"embeddings":[[1,2]]}' % document.encode()


async def three_that_wait(bench: Bench) -> list[Entry]:
    """Log three adds of which the first is under way while the other two come."""
    entries = [bench.logged(2, body=an_add("a"))]
    await until(lambda: bench.sent(A) == 1, "the first one is under way")
    return [*entries, bench.logged(3, body=an_add("b")), bench.logged(4, body=an_add("c"))]


async def test_what_waits_while_a_request_is_under_way_goes_as_one(bench: Bench) -> None:
    entries = await three_that_wait(bench)
    bench.let(A, B)

    await until(lambda: bench.collection.lane.is_drained, "both instances have all")

    assert bench.sent(A) == 2
    assert bench.servers[A].bodies[1] == b'{"ids":["b","c"],"embeddings":[[1,2],[1,2]]}'
    assert [entry.outcome for entry in entries] == [OK, OK, OK]
    settled = [p.settlement.position for p in bench.log.recorded if p.settlement]
    assert settled == [2, 3, 4]


async def test_one_that_follows_rests_after_a_request_and_then_gets_all_that_came_meanwhile(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lb.delivery.FOLLOWERS_REST", 1e9)
    monkeypatch.setattr("lb.lanes.FOLLOW_SECONDS", 1e9)
    lane = bench.collection.lane
    bench.let(A, B)
    bench.logged(2, body=an_add("a"))
    await until(lambda: lane.is_drained, "both instances have the first one")
    first = bench.logged(3, body=an_add("b"))
    await until(lambda: first.settled.is_set() and not lane.busy, "a client is answered")
    second = bench.logged(4, body=an_add("c"))
    await until(lambda: second.settled.is_set() and not lane.busy, "another one is")
    assert bench.sent(A) == 3
    assert bench.sent(B) == 1

    bench.fleet[A].suspect("nobody listens")

    await until(lambda: lane.applied[B] == 4, "the rest ends when nobody else can answer")
    assert bench.servers[B].bodies[1:] == [b'{"ids":["b","c"],"embeddings":[[1,2],[1,2]]}']


async def test_a_write_that_finds_nothing_under_way_goes_at_once_and_alone(bench: Bench) -> None:
    bench.logged(2, body=an_add("a"))
    await until(lambda: bench.sent(A) == 1, "it goes")
    assert bench.servers[A].bodies == [an_add("a")]


async def test_when_a_merged_request_is_refused_each_write_gets_its_own_answer(
    bench: Bench,
) -> None:
    entries = await three_that_wait(bench)
    server = bench.servers[A]

    async def write(method: str, path: str, body: bytes, content_type: str) -> Answer:
        server.bodies.append(body)
        return REFUSED if b'"b"' in body else OK

    bench.let(A, B)
    server.write = write

    await until(lambda: bench.collection.lane.is_drained, "both instances are through")

    assert [entry.outcome for entry in entries] == [OK, REFUSED, OK]
    merged = b'{"ids":["b","c"],"embeddings":[[1,2],[1,2]]}'
    assert server.bodies[1:] == [merged, an_add("b"), an_add("c")]
    assert not any(b'"b"' in body for body in bench.servers[B].bodies), "a refusal is not sent on"
    assert bench.fleet[A].failed_syncs == 0


async def test_when_a_merged_request_gets_a_5xx_all_of_it_is_held_and_later_goes_singly(
    bench: Bench,
) -> None:
    judging = asyncio.create_task(bench.quarantine.run())
    bench.tasks.append(judging)
    entries = await three_that_wait(bench)
    server = bench.servers[A]

    async def write(method: str, path: str, body: bytes, content_type: str) -> Answer:
        server.bodies.append(body)
        raise ServerFailedError(A, "HTTP 500")

    bench.let(A)
    server.write = write
    await until(lambda: all(entry.is_held for entry in entries[1:]), "both are held")
    assert bench.servers[B].bodies in ([], [an_add("a")])

    now = asyncio.get_running_loop().time()
    bench.let(B)
    bench.quarantine.note_canary(A, CanaryAnswer(now, now, CanaryResult.TAKEN))

    await until(lambda: all(entry.outcome for entry in entries), "the other instance answers")
    assert bench.servers[B].bodies == [an_add("a"), an_add("b"), an_add("c")]


async def test_a_merged_request_whose_connection_broke_is_sent_again_as_one(
    bench: Bench,
) -> None:
    bench.fleet[B].move_to(State.SUSPECT, "arranged by the test")
    entries = await three_that_wait(bench)
    bench.servers[A].answer = InstanceUnreachableError(A, "reset")
    bench.let(A)
    await until(lambda: bench.fleet[A].failed_syncs == 1, "the first broke")
    bench.servers[A].answer = OK
    bench.fleet[A].move_to(State.CATCHING_UP, "arranged by the test")

    await until(lambda: all(entry.outcome for entry in entries), "all have an outcome")

    assert entries[0].in_doubt == {A}
    assert bench.servers[A].bodies[1] == b'{"ids":["a","b","c"],"embeddings":[%s]}' % (
        b",".join([b"[1,2]"] * 3)
    )
