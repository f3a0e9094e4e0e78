"""When an instance gets what, and what follows for the others."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from lb.catalogue import Collection
from lb.errors import (
    InstanceError,
    InstanceUnreachableError,
    RequestGivenUpError,
    ServerFailedError,
)
from lb.instances import Instance, State
from lb.model import Answer, CollectionState, Kind
from lb.suspicion import ACCUSING_SECONDS, CanaryAnswer, CanaryResult
from tests.unit.lb.applier_bench import A, B, Bench, running_bench
from tests.unit.lb.stand_ins import (
    OK,
    REFUSED,
    an_active,
    an_entry,
    until,
)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async for bench in running_bench():
        yield bench


async def test_the_leader_is_asked_first_and_the_other_follows_its_success(bench: Bench) -> None:
    entry = bench.logged(2)
    await until(lambda: bench.sent(A) == 1, "the leader is asked")
    assert bench.sent(B) == 0

    bench.let(A)

    await until(lambda: bench.sent(B) == 1, "the other follows")
    assert entry.outcome == OK


async def test_a_client_is_answered_before_the_cursor_is_committed(bench: Bench) -> None:
    bench.log.gate.clear()
    bench.let(A)
    entry, following = bench.logged(2), bench.logged(3)

    await until(entry.settled.is_set, "the client is answered")
    await until(lambda: bench.log.recorded, "the progress is on its way to the log")
    assert bench.sent(A) == 1, "sent before the cursor was committed"

    bench.log.gate.set()
    await until(following.settled.is_set, "the lane goes on")


async def test_what_was_refused_is_never_sent_to_the_others(bench: Bench) -> None:
    bench.servers[A].answer = REFUSED
    bench.let(A, B)

    entry = bench.logged(2)

    await until(lambda: bench.collection.lane.is_drained, "both cursors moved")
    assert entry.outcome == REFUSED
    assert bench.sent(B) == 0


async def test_a_leader_that_dies_hands_over_at_once(bench: Bench) -> None:
    bench.servers[A].answer = InstanceUnreachableError(A, "reset")
    bench.let(A, B)

    entry = bench.logged(2)

    await until(entry.settled.is_set, "the other has answered")
    assert bench.fleet[A].state is State.SUSPECT
    assert entry.in_doubt == {A}
    assert bench.collection.lane.applied == {A: 1, B: 2}


async def test_a_leader_that_hangs_is_hedged_and_doubted() -> None:
    bench = Bench(hedge_max_seconds=0.02)
    doubts: list[None] = []
    bench.fleet[A].on_suspicion = lambda: doubts.append(None)
    bench.let(B)

    entry = bench.logged(2)

    await until(entry.settled.is_set, "the other has answered")
    assert bench.fleet[A].state is State.UP
    await until(lambda: bench.collection.lane.busy == {A}, "only the hung request is left")
    assert len(doubts) == 1
    await bench.stop()


async def test_after_a_write_was_given_up_its_lane_waits_for_the_barrier() -> None:
    """What was given up may still arrive, so nothing newer may go before new ones settled."""
    bench = Bench(hedge_max_seconds=0.02)
    bench.servers[A].answer = RequestGivenUpError(A, "reset by us")
    bench.let(A, B)

    entry = bench.logged(2)
    await until(entry.settled.is_set, "the other has answered")
    await until(lambda: bench.doubts == [(bench.collection, A)], "it is to be compared")
    bench.servers[A].answer = OK
    following = bench.logged(3)
    await until(following.settled.is_set, "the other goes on")
    assert bench.sent(A) == 1
    assert bench.fleet[A].state is State.UP

    bench.barrier.set()

    await until(lambda: bench.collection.lane.is_drained, "the lane goes on")
    assert bench.sent(A) >= 2
    await bench.stop()


async def test_an_instance_that_refuses_what_another_applied_stays_behind(bench: Bench) -> None:
    bench.servers[B].answer = REFUSED
    bench.let(A, B)

    entry = bench.logged(2)

    await until(lambda: bench.fleet[B].failed_syncs >= 1, "the refusal is noticed")
    assert entry.outcome == OK
    assert bench.collection.lane.cursors == {A: 2, B: 1}
    assert "refused entry 2" in bench.fleet[B].last_error


async def test_an_answer_without_proof_is_asked_for_again(bench: Bench) -> None:
    bench.servers[A].answer = InstanceError(A, "HTTP 500")
    bench.let(A)
    entry = bench.logged(2)
    await until(lambda: bench.sent(A) >= 2, "asked again")
    assert not entry.settled.is_set()

    bench.servers[A].answer = OK

    await until(entry.settled.is_set, "an outcome")
    assert bench.fleet[A].state is State.UP


async def test_a_name_that_was_freed_is_taken_on_each_instance_after_it_was_freed_there(
    bench: Bench,
) -> None:
    bench.let(A)
    drop = an_entry(2, Kind.DROP)
    bench.tail.catalogue.drop(bench.collection, drop)
    bench.servers[B].gate.clear()
    gone = bench.logged(2, Kind.DROP)
    new = bench.tail.catalogue.reserve(bench.collection.name)
    created = Answer(200, b'{"id":"00000000-0000-0000-0000-00000000000a","name":"files"}')
    bench.servers[A].answer = bench.servers[B].answer = created

    bench.logged(
        3,
        Kind.CREATE,
        b'{"name":"files"}',
        collection=new,
        after=bench.tail.catalogue.freed_by(bench.collection.name),
    )

    await until(lambda: new.state is CollectionState.ACTIVE, "the leader has created it")
    bench.let(B)
    await until(lambda: new.lane.is_drained, "the other has created it as well")
    assert gone.outcome is not None
    assert set(new.uuids) == {A, B}


async def test_a_stopped_applier_sends_nothing_more(bench: Bench) -> None:
    for applier in bench.appliers:
        applier.stop()

    bench.logged(2)
    await asyncio.sleep(0)

    assert bench.sent(A) == bench.sent(B) == 0
    assert bench.tasks == []


@pytest.mark.parametrize("kind", [Kind.ADD, Kind.DELETE])
async def test_a_body_that_is_nested_too_deeply_is_refused_by_chroma_and_ends_nothing(
    bench: Bench, kind: Kind
) -> None:
    bench.servers[A].answer = REFUSED
    bench.let(A)
    deep = b"[" * 5000 + b"]" * 5000

    entry = bench.logged(2, kind, b'{"ids":["a"],"unknown":' + deep + b"}")

    await until(lambda: entry.settled.is_set() or bench.tasks[0].done(), "an end")
    assert entry.outcome == REFUSED


async def test_nothing_is_sent_while_another_load_balancer_may_be_active(bench: Bench) -> None:
    bench.lead.lose()
    bench.let(A, B)

    entry = bench.logged(2)
    await asyncio.sleep(0)
    assert bench.tasks == []

    bench.lead.on_confirmed = bench.poke_all
    bench.lead.confirm(asyncio.get_running_loop().time())
    await until(entry.settled.is_set, "the entry is sent when the lock is confirmed")


async def test_a_barrier_holds_what_was_unapplied_at_the_start_and_nothing_else(
    bench: Bench,
) -> None:
    bench.let(A, B)
    bench.hold_still()
    left_behind = bench.logged(2)
    other = an_active(bench.tail, "others", 3)
    for applier in bench.appliers:
        applier.raise_barrier()
    bench.wire()

    later = bench.logged(4, collection=other)
    bench.poke_all()

    await until(later.settled.is_set, "other lanes go on")
    assert not left_behind.settled.is_set()
    bench.barrier.set()
    await until(left_behind.settled.is_set, "the lane goes on after the barrier")


async def test_a_stop_ends_the_wait_behind_a_barrier_but_does_not_forget_it(bench: Bench) -> None:
    bench.hold_still()
    bench.logged(2)
    for applier in bench.appliers:
        applier.raise_barrier()

    for applier in bench.appliers:
        applier.stop()

    assert not bench.collection.lane.busy
    assert all(applier.is_behind_barrier for applier in bench.appliers)


async def test_what_is_in_flight_where_a_write_fails_is_not_sent_elsewhere_at_once(
    bench: Bench,
) -> None:
    """A poisoned server fails all that is in flight; any of it may be the culprit."""
    other = an_active(bench.tail, "others", 1)
    failing = bench.logged(2)
    in_flight = bench.logged(3, collection=other)
    await until(lambda: bench.sent(A) == 2, "both are in flight")
    bench.let(B)

    await bench.quarantine.accuse(
        bench.collection,
        [failing],
        ServerFailedError(A, "HTTP 500"),
        was_failing=False,
        is_repeated=False,
    )

    assert bench.fleet[A].state is State.SUSPECT
    assert bench.sent(B) == 0
    assert failing.is_held
    assert not in_flight.is_held
    await until(lambda: bench.sent(B) == 1, "what gets no answer is sent on")


async def test_an_entry_that_got_a_5xx_waits_for_evidence_and_then_goes_on(bench: Bench) -> None:
    judging = asyncio.create_task(bench.quarantine.run())
    bench.tasks.append(judging)
    bench.servers[A].answer = ServerFailedError(A, "HTTP 500")
    entry = bench.logged(2)
    bench.let(A, B)
    await until(lambda: entry.is_held, "it is held")
    assert bench.log.recorded[-1].suspicion == (2, entry.suspicion)
    assert bench.sent(B) == 0

    now = asyncio.get_running_loop().time()
    bench.quarantine.note_canary(A, CanaryAnswer(now, now, CanaryResult.TAKEN))

    await until(entry.settled.is_set, "the other instance answers")
    assert entry.outcome == OK
    assert bench.sent(B) == 1


@pytest.mark.parametrize(("later", "is_accused"), [("torn", False), ("other", True)])
async def test_a_write_is_not_accused_of_what_its_collection_failed_before_without_fault(
    bench: Bench, later: str, is_accused: bool
) -> None:
    """Measured: a torn index fails one delete, takes it the second time, and fails the next one."""
    bench.tasks.append(asyncio.create_task(bench.quarantine.run()))
    torn = bench.servers[B]
    torn.answer = ServerFailedError(B, "HTTP 500 torn")
    bench.let(A, B)
    bench.logged(2)
    await until(lambda: bench.fleet[B].failed_syncs == 1, "it fails what the other one has done")
    torn.answer = OK
    bench.come_back(B)
    await until(lambda: bench.collection.lane.is_drained, "it takes it the second time")
    bench.fleet[A].suspect("it is away")
    torn.answer = ServerFailedError(B, f"HTTP 500 {later}")
    entry = bench.logged(3)
    await until(lambda: entry.suspicion is not None, "it fails what nobody has done")
    at = asyncio.get_running_loop().time() + ACCUSING_SECONDS
    bench.quarantine.note_canary(B, CanaryAnswer(at, at, CanaryResult.FAILED, "HTTP 500 torn"))

    if is_accused:
        await until(lambda: len(bench.quarantine) == 1, "the write may be what breaks it")
        return
    torn.answer = OK
    bench.come_back(B)
    await until(entry.settled.is_set, "it takes the next one the second time, too")
    assert len(bench.quarantine) == 0


@pytest.mark.parametrize("kind", [ServerFailedError, RequestGivenUpError])
@pytest.mark.parametrize(("outcome", "accused"), [(OK, 1), (None, 0)])
async def test_a_5xx_or_silence_to_what_another_one_applied_is_the_instances_own(
    bench: Bench, kind: type[InstanceError], outcome: Answer | None, accused: int
) -> None:
    noted: list[tuple[Collection, str]] = []
    bench.ailments.note = lambda collection, name, _: noted.append((collection, name))
    for server in bench.servers.values():
        server.answer = kind(server.instance.name, "HTTP 500")
    bench.logged(2, outcome=outcome)
    if outcome:
        bench.collection.lane.leave(B)
    bench.let(A, B)
    await until(lambda: bench.fleet[A].failed_syncs == 1, "it failed")
    assert noted == [(bench.collection, A)] * accused


async def test_an_instance_that_leaves_before_its_turn_comes_is_sent_nothing(bench: Bench) -> None:
    """The sending was decided; the membership ends before the task gets its first turn."""
    entry = bench.logged(2, outcome=OK)
    assert bench.collection.lane.busy == {A, B}

    bench.tail.leave(bench.collection, B)
    bench.let(A)

    await until(lambda: bench.collection.lane.cursors == {A: 2}, "the other goes on")
    await until(lambda: not bench.collection.lane.busy, "nobody is busy")
    assert bench.sent(B) == 0
    assert bench.tail.by_transaction(entry.transaction_id) is None


class Dying(Bench):
    """The replica lacks a write of each of two collections, and ends whenever it gets one."""

    def __init__(self) -> None:
        super().__init__()
        self.other = an_active(self.tail, "notes", 2)
        for instance in self.fleet:
            instance.on_change = self._on_instance
        self.servers[B].answer = InstanceUnreachableError(B, "ServerDisconnectedError")

    def _on_instance(self, instance: Instance) -> None:
        self.ailments.crashes.note_state(instance)
        self.poke_all()

    def come_back(self) -> None:
        for state in (State.DOWN, State.CATCHING_UP):
            self.fleet[B].move_to(state, "arranged by the test")

    async def until_it_ended(self, times: int) -> None:
        await until(lambda: self.fleet[B].failed_syncs == times, f"{times} writes broke")
        await until(lambda: not self.collection.lane.busy, "nobody is busy")


async def test_an_instance_that_ends_again_and_again_gets_one_window_at_a_time() -> None:
    bench = Dying()
    bench.let(A, B)
    bench.logged(3, outcome=OK)
    bench.logged(4, outcome=OK, collection=bench.other)
    for ends in (1, 2):
        await bench.until_it_ended(2 * ends)
        bench.collection.lane.retry_at.clear()
        bench.other.lane.retry_at.clear()
        if ends == 2:
            bench.servers[B].gate.clear()
        bench.come_back()
    await until(lambda: bench.sent(B) == 5, "one is sent")
    assert len(bench.collection.lane.busy | bench.other.lane.busy) == 1

    bench.servers[B].answer = OK
    bench.let(B)

    await until(lambda: bench.collection.lane.is_drained, "it is applied")
    await until(lambda: bench.other.lane.is_drained, "so is the other one, which waited")
    await bench.stop()
