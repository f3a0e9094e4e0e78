import pytest

from lb.catalogue import Collection
from lb.crashes import SUSPICIOUS_ENDS, Crashes
from lb.instances import State
from lb.model import Entry, Kind
from tests.unit.lb.stand_ins import OK, REFUSED, a_fleet, a_tail, an_active, an_entry

A, B = "primary", "replica"
ERROR = "ServerDisconnectedError"


class Bench:
    """Two collections, each with an entry that another instance has applied and A has not."""

    def __init__(self) -> None:
        self.fleet = a_fleet(A, B)
        self.tail = a_tail(self.fleet)
        self.crashes = Crashes()
        self.files, self.notes = (an_active(self.tail, name, 1) for name in ("files", "notes"))
        self.to_files, self.to_notes = (
            self.logged(collection, position)
            for position, collection in enumerate((self.files, self.notes), start=10)
        )

    def logged(self, collection: Collection, position: int) -> Entry:
        entry = an_entry(position, Kind.ADD, OK)
        entry.lane_id = collection.id
        collection.lane.append(entry)
        return entry

    def end(self, *in_flight: tuple[Collection, Entry], answers_probes: bool = False) -> None:
        """Let A end with something in flight, and come back; or let it only lose connections."""
        for collection, entry in in_flight:
            self.crashes.note_broken(collection, entry, A, ERROR)
        states = [State.SUSPECT, State.DOWN, State.CATCHING_UP]
        for state in states[:1] + states[1 + answers_probes :]:
            self.fleet[A].move_to(state, "arranged by the test")
            self.crashes.note_state(self.fleet[A])

    def end_often(self, times: int = SUSPICIOUS_ENDS) -> None:
        for _ in range(times):
            self.end((self.files, self.to_files), (self.notes, self.to_notes))

    def may_send(self, entry: Entry, *, others_serve: bool = True) -> bool:
        return self.crashes.may_send(A, entry, others_serve=others_serve)

    def guilty(self) -> list[Collection]:
        return [collection for collection, _ in self.crashes.guilty_on(A)]


def test_a_server_that_ended_once_or_of_different_writes_is_driven_as_before() -> None:
    bench = Bench()
    bench.end((bench.files, bench.to_files))
    bench.end((bench.notes, bench.to_notes))
    bench.end((bench.files, bench.logged(bench.files, 20)))
    assert not bench.crashes.is_careful(A)
    bench.crashes.begin(A, bench.files)
    assert bench.may_send(bench.to_notes)


def test_a_server_that_ended_twice_of_one_write_gets_one_window_at_a_time() -> None:
    bench = Bench()
    bench.end_often()
    assert bench.crashes.is_careful(A)
    assert not bench.crashes.is_careful(B)
    assert bench.may_send(bench.to_notes)
    bench.crashes.begin(A, bench.files)
    assert bench.may_send(bench.to_files)
    assert not bench.may_send(bench.to_notes)
    assert bench.crashes.finish(A, bench.files), "the other one waited"
    assert bench.may_send(bench.to_notes)


def test_who_was_not_sent_for_longest_comes_first_after_a_window() -> None:
    bench = Bench()
    bench.end_often()
    for collection in (bench.files, bench.notes, bench.files):
        bench.crashes.begin(A, collection)
        bench.crashes.finish(A, collection)
    assert bench.crashes.in_turn(A, [bench.files, bench.notes]) == [bench.notes, bench.files]


def test_what_a_server_ends_of_alone_is_guilty_and_not_sent_again() -> None:
    bench = Bench()
    bench.end_often()
    assert bench.guilty() == []
    bench.end((bench.files, bench.to_files))
    assert bench.crashes.guilty_on(A) == [(bench.files, ERROR)]
    assert bench.crashes.guilty_on(B) == []
    assert not bench.may_send(bench.to_files)
    assert bench.may_send(bench.to_files, others_serve=False), "it is the only one that may try"


def test_what_was_in_flight_with_others_is_not_guilty_however_often() -> None:
    bench = Bench()
    bench.end_often(10)
    assert bench.guilty() == []


def test_a_connection_that_broke_while_the_server_lived_on_is_no_end() -> None:
    bench = Bench()
    for _ in range(10):
        bench.end((bench.files, bench.to_files), answers_probes=True)
    assert not bench.crashes.is_careful(A)


@pytest.mark.parametrize("outcome", [None, REFUSED], ids=["nobody", "refused"])
def test_without_another_instance_that_applied_it_no_collection_is_guilty(outcome: object) -> None:
    bench = Bench()
    bench.to_files.outcome = outcome
    bench.end_often()
    bench.end((bench.files, bench.to_files))
    assert bench.crashes.is_careful(A)
    assert bench.guilty() == []


def test_what_nobody_has_applied_goes_to_another_instance_first() -> None:
    bench = Bench()
    bench.end_often()
    new = bench.logged(bench.notes, 20)
    new.outcome = None
    assert not bench.may_send(new)
    assert bench.may_send(new, others_serve=False)


def test_a_server_that_applies_what_it_ended_of_is_driven_as_before() -> None:
    bench = Bench()
    bench.end_often()
    bench.files.lane.mark_applied(A, bench.to_files)
    assert bench.crashes.is_careful(A), "the other one is still suspicious"
    bench.notes.lane.mark_applied(A, bench.to_notes)
    assert not bench.crashes.is_careful(A)


def test_a_collection_that_left_the_server_is_not_suspicious_any_more() -> None:
    bench = Bench()
    bench.end_often()
    bench.end((bench.files, bench.to_files))
    bench.files.lane.leave(A)
    bench.notes.lane.mark_applied(A, bench.to_notes)
    assert bench.guilty() == []
    assert not bench.crashes.is_careful(A)
