from uuid import UUID

import msgspec
import pytest

from lb.errors import (
    InstanceError,
    InstanceUnreachableError,
    LogMismatchError,
    NoInstanceError,
    TakeOverRefusedError,
)
from lb.guard import LogGuard
from lb.instances import Instance, State
from lb.marks import LogIdentity, Mark, Term
from lb.membership import Memberships
from lb.model import Answer, Progress
from tests.unit.lb.stand_ins import OK, a_fleet, a_tail, an_active

A, B = "primary", "replica"
LOG, OTHER = UUID(int=1), UUID(int=2)
BEFORE, OURS, LATER = UUID(int=11), UUID(int=12), UUID(int=13)
COLLECTION = UUID(int=99)
UNREACHABLE = InstanceUnreachableError(A, "connection refused")


class StandInUpstream:
    """In place of an instance: holds one mark, and knows all collections."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.mark: Mark | None = None
        self.trouble: Exception | None = None
        self.writes = 0
        self.write_trouble: Exception | None = None

    async def read(self, method: str, path: str) -> Answer:
        if self.trouble is not None:
            raise self.trouble
        if not path.endswith("log-mark"):
            return OK
        if self.mark is None:
            return Answer(404, b"{}")
        return Answer(200, msgspec.json.encode({"id": COLLECTION, "metadata": self.mark}))

    async def write_afresh(self, method: str, path: str, body: bytes, content_type: str) -> Answer:
        if (trouble := self.write_trouble or self.trouble) is not None:
            raise trouble
        self.writes += 1
        if method == "POST":
            return Answer(200, msgspec.json.encode({"id": COLLECTION, "metadata": None}))
        self.mark = msgspec.convert(msgspec.json.decode(body)["new_metadata"], Mark)
        return OK


class StandInLog:
    """In place of the log: takes progress down, durable at once."""

    def __init__(self) -> None:
        self.is_lead_confirmed = True
        self.recorded: list[Progress] = []

    async def record(self, *progress: Progress) -> None:
        self.recorded += progress

    record_soon = record


class StandInNamespaces:
    """In place of the log's tenants and databases: tells where they were restored."""

    def __init__(self) -> None:
        self.restored: list[str] = []
        self.trouble: Exception | None = None

    async def restore(self, upstream: StandInUpstream) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.restored.append(upstream.instance.name)


class Bench:
    """Two instances that are down, and a log whose second term began at position 10."""

    def __init__(self, noted: dict[str, Mark] | None = None) -> None:
        self.tail = a_tail(a_fleet(A, B, state=State.DOWN))
        self.tail.end = 20
        terms = {BEFORE: Term(1, 10), OURS: Term(2, None)}
        self.log = StandInLog()
        self.upstreams = {i.name: StandInUpstream(i) for i in self.tail.fleet}
        memberships = Memberships(self.tail, self.log)
        identity = LogIdentity(LOG, OURS, terms, noted or {})
        self.namespaces = StandInNamespaces()
        self.guard = LogGuard(
            identity, self.upstreams, self.tail, self.log, memberships, self.namespaces, 0.05
        )

    def states(self) -> tuple[State, State]:
        return self.tail.fleet[A].state, self.tail.fleet[B].state

    async def come_back(self, name: str) -> None:
        """Do what the health monitor does with one that answers."""
        await self.guard.check(name)
        self.tail.fleet[name].note_probe(None, conclusive=False)


async def test_an_instance_whose_mark_fits_serves_and_one_without_a_mark_does() -> None:
    bench = Bench()
    bench.upstreams[A].mark = Mark(LOG, BEFORE, 10)

    await bench.come_back(A)
    await bench.come_back(B)

    assert bench.states() == (State.CATCHING_UP, State.CATCHING_UP)
    bench.guard.check_log()


async def test_one_that_is_ahead_takes_the_others_out_of_service_too() -> None:
    """They would get what the log takes for pending, and clients would write to a lost branch."""
    bench = Bench()
    bench.upstreams[A].mark = Mark(LOG, BEFORE, 10)
    bench.upstreams[B].mark = Mark(LOG, BEFORE, 11)
    await bench.come_back(A)

    await bench.come_back(B)

    assert bench.states() == (State.MISMATCHED, State.MISMATCHED)
    with pytest.raises(LogMismatchError, match="replica holds what was written later"):
        bench.guard.check_log()


async def test_a_stranger_beside_one_that_fits_is_refused_alone_until_it_is_emptied() -> None:
    bench = Bench()
    bench.upstreams[A].mark = Mark(LOG, BEFORE, 10)
    bench.upstreams[B].mark = Mark(OTHER, BEFORE, 3)
    await bench.come_back(A)
    await bench.come_back(B)
    assert bench.states() == (State.CATCHING_UP, State.MISMATCHED)
    bench.guard.check_log()

    bench.upstreams[B].mark = None
    await bench.come_back(B)

    assert bench.states() == (State.CATCHING_UP, State.CATCHING_UP)


async def test_a_mark_of_our_own_on_a_new_instance_is_no_witness_for_the_log() -> None:
    bench = Bench()
    await bench.come_back(A)
    bench.upstreams[A].mark = Mark(LOG, OURS, 20)
    await bench.come_back(A)
    bench.upstreams[B].mark = Mark(OTHER, BEFORE, 3)

    await bench.come_back(B)

    assert bench.states() == (State.MISMATCHED, State.MISMATCHED)


async def test_once_all_were_right_a_stranger_is_refused_alone() -> None:
    """As when a new system has got its first marks, and a wrong disk is put into one server."""
    bench = Bench()
    for name in (A, B):
        await bench.come_back(name)
    bench.upstreams[B].mark = Mark(OTHER, BEFORE, 3)
    bench.tail.fleet[B].move_to(State.DOWN, "it is killed")

    await bench.come_back(B)

    assert bench.states() == (State.CATCHING_UP, State.MISMATCHED)
    bench.guard.check_log()


async def test_one_that_may_have_been_started_again_is_looked_at_at_once() -> None:
    """Between two probes it may have got another disk, while nothing is logged."""
    bench = Bench()
    for name in (A, B):
        await bench.come_back(name)
    await bench.guard.leave_due_marks()
    bench.upstreams[B].mark = Mark(OTHER, BEFORE, 3)
    await bench.guard.leave_due_marks()
    assert bench.states() == (State.CATCHING_UP, State.CATCHING_UP)

    bench.tail.fleet[B].note_connection_end()
    await bench.guard.leave_due_marks()

    assert bench.states() == (State.CATCHING_UP, State.MISMATCHED)


async def test_an_instance_whose_mark_cannot_be_read_does_not_serve() -> None:
    bench = Bench()
    bench.upstreams[A].trouble = UNREACHABLE

    with pytest.raises(InstanceError):
        await bench.come_back(A)

    assert bench.states() == (State.DOWN, State.DOWN)


async def test_the_first_look_ends_when_all_were_asked_even_if_none_answers() -> None:
    bench = Bench()
    bench.upstreams[A].trouble = bench.upstreams[B].trouble = UNREACHABLE

    await bench.guard.look_at_all()

    assert bench.guard.has_looked.is_set()


async def test_marks_are_left_on_those_that_serve_while_the_log_goes_on() -> None:
    bench = Bench()
    await bench.come_back(A)
    await bench.guard.leave_due_marks()
    assert bench.upstreams[A].mark == Mark(LOG, OURS, 20)
    writes = bench.upstreams[A].writes

    await bench.guard.leave_due_marks()
    assert bench.upstreams[A].writes == writes, "nothing was logged since"

    bench.tail.end = 21
    await bench.guard.leave_due_marks()
    assert bench.upstreams[A].mark == Mark(LOG, OURS, 21)
    assert [each.marked for each in bench.log.recorded] == [(A, OURS, 20), (A, OURS, 21)]
    assert bench.upstreams[B].writes == 0, "it is down"


async def test_no_mark_is_left_without_the_lock() -> None:
    bench = Bench()
    bench.log.is_lead_confirmed = False
    await bench.come_back(A)

    await bench.guard.leave_due_marks()

    assert bench.upstreams[A].writes == 0


async def test_the_mark_of_a_successor_proves_nothing_without_the_lock() -> None:
    """It was paused, and somebody else has become active; it will find that out at PostgreSQL."""
    bench = Bench()
    bench.log.is_lead_confirmed = False
    bench.upstreams[A].mark = Mark(LOG, LATER, 5)

    with pytest.raises(InstanceError, match="not confirmed"):
        await bench.come_back(A)

    bench.guard.check_log()
    assert bench.states() == (State.DOWN, State.DOWN)


async def test_after_a_mark_without_an_answer_the_next_ones_are_not_relied_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may arrive over a younger one, and the instance would be taken for an older copy."""
    monkeypatch.setattr("lb.guard.MARKS_UNTIL_SURE", 2)
    bench = Bench()
    await bench.come_back(A)
    bench.upstreams[A].write_trouble = UNREACHABLE
    await bench.guard.leave_due_marks()
    assert bench.upstreams[A].mark is None

    bench.upstreams[A].write_trouble = None
    await bench.guard.leave_due_marks()

    assert bench.upstreams[A].mark == Mark(LOG, OURS, 20)
    assert bench.log.recorded == []

    bench.tail.end = 21
    await bench.guard.leave_due_marks()
    assert [each.marked for each in bench.log.recorded] == [(A, OURS, 21)]


async def test_the_last_word_is_exact_and_not_said_over_that_of_a_successor() -> None:
    bench = Bench()
    bench.upstreams[A].mark = bench.upstreams[B].mark = Mark(LOG, BEFORE, 10)
    await bench.come_back(A)
    await bench.come_back(B)
    bench.upstreams[B].mark = Mark(LOG, LATER, 5)

    await bench.guard.leave_marks()

    assert bench.upstreams[A].mark == Mark(LOG, OURS, 20)
    assert bench.upstreams[B].mark == Mark(LOG, LATER, 5)


async def test_an_older_copy_leaves_its_collections_when_another_one_can_give_them() -> None:
    bench = Bench(noted={B: Mark(LOG, BEFORE, 10)})
    collection = an_active(bench.tail, "files", 1)
    bench.upstreams[A].mark = Mark(LOG, BEFORE, 10)
    bench.upstreams[B].mark = Mark(LOG, BEFORE, 9)
    await bench.come_back(B)
    assert bench.states() == (State.DOWN, State.MISMATCHED)
    assert collection.lane.members == (A, B)

    await bench.come_back(A)
    await bench.guard.leave_due_marks()
    bench.tail.fleet[A].note_connection_end()
    await bench.come_back(B)
    assert bench.states() == (State.CATCHING_UP, State.MISMATCHED), "A may be an older copy too"

    await bench.guard.leave_due_marks()
    await bench.come_back(B)

    assert bench.states() == (State.CATCHING_UP, State.CATCHING_UP)
    assert collection.lane.members == (A,)
    assert [each.instance for each in bench.tail.leftovers] == [B], "its old copy is to go"
    assert bench.namespaces.restored == [B]


async def test_an_older_copy_without_its_databases_does_not_serve() -> None:
    bench = Bench(noted={B: Mark(LOG, BEFORE, 10)})
    await bench.come_back(A)
    await bench.guard.leave_due_marks()
    bench.namespaces.trouble = InstanceError(B, "HTTP 500")

    with pytest.raises(InstanceError):
        await bench.come_back(B)
    assert bench.states() == (State.CATCHING_UP, State.DOWN)

    bench.namespaces.trouble = None
    await bench.come_back(B)

    assert bench.states() == (State.CATCHING_UP, State.CATCHING_UP)


async def test_an_emptied_one_does_the_same() -> None:
    bench = Bench(noted={B: Mark(LOG, BEFORE, 10)})
    collection = an_active(bench.tail, "files", 1)
    await bench.come_back(A)
    await bench.guard.leave_due_marks()

    await bench.come_back(B)

    assert bench.states() == (State.CATCHING_UP, State.CATCHING_UP)
    assert collection.lane.members == (A,)


async def test_an_empty_log_takes_over_what_both_hold() -> None:
    bench = Bench()
    bench.tail.end = 0
    for upstream in bench.upstreams.values():
        upstream.mark = Mark(OTHER, BEFORE, 3)
    await bench.come_back(A)
    with pytest.raises(TakeOverRefusedError, match="replica must answer before"):
        await bench.guard.take_over(str(OTHER))
    await bench.come_back(B)
    with pytest.raises(TakeOverRefusedError, match="not from"):
        await bench.guard.take_over(str(LOG))

    bench.upstreams[B].trouble = UNREACHABLE
    with pytest.raises(NoInstanceError):
        await bench.guard.take_over(str(OTHER))
    assert bench.upstreams[A].mark == Mark(LOG, OURS, 0)
    await bench.come_back(A)
    assert bench.states() == (State.MISMATCHED, State.MISMATCHED), "both, or none"
    bench.upstreams[B].trouble = None
    await bench.guard.take_over(str(OTHER))

    await bench.come_back(A)
    await bench.come_back(B)
    assert bench.states() == (State.CATCHING_UP, State.CATCHING_UP)
    bench.guard.check_log()
    with pytest.raises(TakeOverRefusedError, match="nothing to take over"):
        await bench.guard.take_over(str(OTHER))


@pytest.mark.parametrize("has_entries", [False, True])
async def test_a_log_with_anything_in_it_takes_nothing_over(has_entries: bool) -> None:
    bench = Bench()
    bench.tail.end = 20 if has_entries else 0
    if not has_entries:
        an_active(bench.tail, "files", 0)
    for name, upstream in bench.upstreams.items():
        upstream.mark = Mark(OTHER, BEFORE, 3)
        await bench.come_back(name)

    with pytest.raises(TakeOverRefusedError, match="not empty"):
        await bench.guard.take_over(str(OTHER))

    assert bench.states() == (State.MISMATCHED, State.MISMATCHED)
