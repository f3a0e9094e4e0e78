"""Who keeps a body in memory, from the client to the last instance that applies it."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from lb.acknowledgement import Acknowledgement
from lb.ailments import Ailments
from lb.budget import Account, Claim
from lb.catalogue import Collection
from lb.errors import InDoubtError
from lb.instances import State
from lb.log_tail import FOLLOW_SECONDS
from lb.lookups import Lookups
from lb.model import Entry, Kind
from lb.paths import parse_target
from lb.write_request import WriteRequest
from lb.writes import Writes
from tests.unit.lb.stand_ins import (
    DATABASE,
    OK,
    TENANT,
    HeldLog,
    StandInReads,
    a_fleet,
    a_tail,
    an_active,
    an_entry,
    bring_to,
)

A, B = "primary", "replica"
LIMIT = 100
LONG_AGO = FOLLOW_SECONDS + 0.1


class Bench:
    """A log tail whose entries have shares of a budget of a hundred bytes."""

    def __init__(self) -> None:
        self.fleet = a_fleet(A, B)
        self.tail = a_tail(self.fleet)
        self.account = Account(lambda: LIMIT)
        self.tail.is_short = lambda: self.account.waiting > 0
        self.collection: Collection = an_active(self.tail, "files", 1)

    def claim(self, size: int) -> Claim:
        claim = self.account.claim()
        self.account.ask(claim, size)
        return claim

    def logged(self, position: int, size: int) -> Entry:
        """Log an entry whose client has gone already: nobody else keeps its body."""
        entry = an_entry(position)
        entry.lane_id, entry.share = self.collection.id, self.claim(size)
        self.tail.register(entry)
        self.tail.add(self.collection, entry)
        return entry

    def settle(self, entry: Entry, seconds_ago: float = 0.0) -> None:
        self.tail.settle(self.collection, entry, OK)
        entry.settled_at = datetime.now(UTC) - timedelta(seconds=seconds_ago)

    def apply(self, entry: Entry, *instances: str) -> None:
        for each in instances:
            self.collection.lane.mark_applied(each, entry)
            self.tail.advance(self.collection, each, entry)


async def test_a_body_is_held_until_the_last_instance_has_applied_it() -> None:
    bench = Bench()
    entry = bench.logged(2, 60)
    bench.settle(entry)
    bench.apply(entry, A)
    assert bench.account.held_bytes == 60

    bench.apply(entry, B)

    assert bench.account.held_bytes == 0
    assert entry.body is None


async def test_a_member_that_leaves_holds_no_body_any_longer() -> None:
    bench = Bench()
    entry = bench.logged(2, 60)
    bench.settle(entry)
    bench.apply(entry, A)

    bench.tail.leave(bench.collection, B)

    assert bench.account.held_bytes == 0


async def test_a_body_rests_in_the_log_when_an_instance_is_away() -> None:
    bench = Bench()
    bring_to(bench.fleet[B], State.SUSPECT)
    entry = bench.logged(2, 60)

    bench.settle(entry)

    assert bench.account.held_bytes == 0
    assert entry.body is None


async def test_settled_bodies_give_way_to_a_client_that_waits_the_oldest_first() -> None:
    bench = Bench()
    oldest, newer, unsettled = (bench.logged(n, 30) for n in (2, 3, 4))
    bench.settle(oldest, LONG_AGO)
    bench.settle(newer, LONG_AGO)
    waiting = bench.claim(30)

    bench.tail.make_room()

    assert waiting.granted.is_set()
    assert oldest.body is None
    assert newer.body is not None
    assert unsettled.body is not None


async def test_nothing_gives_way_while_nobody_waits() -> None:
    bench = Bench()
    entry = bench.logged(2, 30)
    bench.settle(entry, LONG_AGO)

    bench.tail.make_room()

    assert entry.body is not None


async def test_a_body_that_an_instance_is_about_to_need_gives_way_to_nobody() -> None:
    bench = Bench()
    entry = bench.logged(2, 80)
    bench.settle(entry)
    waiting = bench.claim(30)

    bench.tail.make_room()

    assert not waiting.granted.is_set()
    assert entry.body is not None


async def test_a_body_that_was_made_repeatable_stays() -> None:
    """The other instance must be sent the very same: the log may not have it yet."""
    bench = Bench()
    entry = bench.logged(2, 80)
    entry.resolved_body = b'{"ids":["a"]}'
    bench.settle(entry, LONG_AGO)
    bench.claim(30)

    bench.tail.make_room()

    assert entry.resolved_body is not None
    bench.apply(entry, A, B)
    assert bench.account.held_bytes == 30


async def test_what_the_log_refused_holds_nothing() -> None:
    bench = Bench()
    entry = an_entry(2)
    entry.share = bench.claim(60)
    bench.tail.register(entry)

    bench.tail.unregister(entry)

    assert bench.account.held_bytes == 0


async def test_a_body_whose_client_gave_up_before_it_was_logged_rests_in_the_log() -> None:
    bench = Bench()
    entry = an_entry(2)
    entry.lane_id, entry.share, entry.told_to_wait = bench.collection.id, bench.claim(60), True
    bench.tail.register(entry)
    bench.tail.release_body(entry)
    assert bench.account.held_bytes == 60

    bench.tail.add(bench.collection, entry)

    assert bench.account.held_bytes == 0


def a_writer(bench: Bench, log: HeldLog) -> Writes:
    lookups = Lookups(bench.tail, StandInReads(), Ailments(lambda: 0.0))
    acknowledgement = Acknowledgement(bench.tail, of_all=False)
    return Writes(bench.tail, log, None, lookups, acknowledgement, 0.01, frozenset())


async def test_the_log_keeps_a_body_when_its_client_is_gone() -> None:
    bench, log = Bench(), HeldLog()
    path = f"/api/v2/tenants/{TENANT}/databases/{DATABASE}/collections/{bench.collection.id}/add"
    claim = bench.claim(60)
    request = WriteRequest(parse_target("POST", path), b"{}", "application/json", share=claim)

    with pytest.raises(InDoubtError):
        await a_writer(bench, log).write(request)
    claim.let_go()

    assert bench.account.held_bytes == 60
    log.refuse()
    assert bench.account.held_bytes == 0


async def test_a_write_that_is_not_logged_is_kept_by_nobody() -> None:
    bench, log = Bench(), HeldLog()
    path = f"/api/v2/tenants/{TENANT}/databases/{DATABASE}/collections/{bench.collection.id}/add"
    claim = bench.claim(60)
    request = WriteRequest(parse_target("POST", path), b"[]", "application/json", share=claim)

    await a_writer(bench, log).write(request)
    claim.let_go()

    assert log.held == []
    assert bench.account.held_bytes == 0


def test_a_fingerprint_is_that_of_the_requests_that_the_log_has_already() -> None:
    target = parse_target("POST", f"/api/v2/tenants/{TENANT}/databases/{DATABASE}/collections")
    request = WriteRequest(target, b"\0body", "text/plain")

    head = "\0".join((Kind.CREATE, TENANT, DATABASE, target.reference, "text/plain"))

    assert request.fingerprint == hashlib.sha256(head.encode() + b"\0\0body").digest()
