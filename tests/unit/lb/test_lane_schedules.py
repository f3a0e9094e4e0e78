"""Random schedules of one lane: the pure rules alone keep order, freshness and liveness."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lb.instances import Fleet
from lb.lanes import Decision, Lane, Step, choose_window, decide
from lb.merging import WindowLimits
from lb.model import Answer, Entry
from lb.recovery import _lane
from tests.unit.lb.stand_ins import LANE, OK, REFUSED, an_entry

HEDGE_SECONDS = 2.0
RETRY_SECONDS = 1.0


@dataclass
class StandInServer:
    """In place of an instance: what it has applied, and the request that it works on."""

    name: str
    is_able: bool = True
    applied: list[int] = field(default_factory=list)
    at_work: list[Entry] = field(default_factory=list)
    to_commit: list[Entry] = field(default_factory=list)

    @property
    def version(self) -> int:
        return max(self.applied, default=0)

    def refuses(self, accepted: set[int]) -> bool:
        """Tell whether the request is refused as a whole for one of several entries."""
        return len(self.at_work) > 1 and any(e.position not in accepted for e in self.at_work)

    def apply(self, accepted: set[int]) -> None:
        """Apply the request, for the first time or once more, as the real server would."""
        if self.refuses(accepted):
            return
        for position in [entry.position for entry in self.at_work if entry.position in accepted]:
            if position not in self.applied:
                missed = [p for p in accepted if self.version < p < position]
                assert position > self.version, "applied out of order"
                assert not missed, "applied with a gap"
                self.applied.append(position)


class Schedule:
    """One lane, its instances and its clients. `accepted` are the entries that no 4xx refuses.

    A step is one number: it chooses the move, and the instance that makes it.
    """

    def __init__(self, count: int) -> None:
        names = ["primary", "replica", "replica-2"][:count]
        self.fleet = Fleet(dict.fromkeys(names, "http://x"), lambda: 0.0)
        self.servers = {name: StandInServer(name) for name in names}
        self.lane = Lane(LANE, names)
        self.now = 0.0
        self.log: dict[int, Answer | None] = {}
        self.cursors = dict.fromkeys(names, 0)
        self.accepted: set[int] = set()
        self.known = 0
        """The newest version that any client was told of, or has read."""

    def step(self, number: int) -> None:
        move = MOVES[number % len(MOVES)]
        servers = list(self.servers.values())
        move(self, servers[number // len(MOVES) % len(servers)])
        self.check_order()
        self.check_liveness()

    def append(self, _: StandInServer) -> None:
        self.accepted.add(len(self.log) + 1)
        self.append_refused(_)

    def append_refused(self, _: StandInServer) -> None:
        position = len(self.log) + 1
        self.log[position] = None
        self.lane.append(an_entry(position))

    def decide(self, name: str) -> Decision:
        return decide(
            self.lane, name, lambda each, _: self.servers[each].is_able, self.now, HEDGE_SECONDS
        )

    def poke(self, server: StandInServer) -> None:
        """Do what an applier does when it is poked."""
        decision = self.decide(server.name)
        entry = decision.entry
        if entry is None or decision.step not in (Step.SEND, Step.SKIP):
            return
        assert not server.at_work, "two requests of a lane at once"
        assert not server.to_commit, "sent before the cursor was committed"
        self.lane.busy.add(server.name)
        if decision.step is Step.SKIP:
            self.lane.mark_applied(server.name, entry)
            server.to_commit = [entry]
            return
        assert entry.outcome is None or entry.outcome.is_success, "sent what was refused"
        server.at_work = choose_window(
            self.lane, server.name, WindowLimits(3, 1000, 1000), self.now
        )
        for each in server.at_work:
            each.first_sent_at = self.now if each.first_sent_at is None else each.first_sent_at
            self.lane.mark_sent(server.name, each)

    def apply(self, server: StandInServer) -> None:
        server.apply(self.accepted)

    def answer(self, server: StandInServer) -> None:
        """Apply what is under way and take the answer in; the client is told at once."""
        server.apply(self.accepted)
        is_split = server.refuses(self.accepted)
        window, server.at_work = server.at_work, []
        if is_split and self.lane.is_member(server.name):
            self.lane.singly_until[server.name] = window[-1].position
        if is_split or not self.lane.is_member(server.name):
            if not server.to_commit:
                self.lane.busy.discard(server.name)
            return
        for entry in window:
            self.lane.mark_applied(server.name, entry)
            if entry.outcome is None:
                entry.outcome = OK if entry.position in self.accepted else REFUSED
                if entry.outcome.is_success:
                    self.lane.acknowledge(entry)
                    self.known = max(self.known, entry.position)
        server.to_commit = server.to_commit or window

    def commit(self, server: StandInServer) -> None:
        window, server.to_commit = server.to_commit, []
        for entry in window if self.lane.is_member(server.name) else ():
            self.log[entry.position] = entry.outcome
            self.cursors[server.name] = entry.position
            self.lane.advance(server.name, entry)
        if window:
            self.lane.busy.discard(server.name)

    def fail(self, server: StandInServer) -> None:
        """Break the connection, after the request was applied or before."""
        if server.at_work:
            server.at_work = []
            self.lane.busy.discard(server.name)
            self.lane.retry_at[server.name] = self.now + RETRY_SECONDS

    def die(self, server: StandInServer) -> None:
        self.fail(server)
        server.is_able = False

    def come_back(self, server: StandInServer) -> None:
        server.is_able = True

    def leave(self, server: StandInServer) -> None:
        """End a membership, whatever is under way; what the server has is a leftover then."""
        if self.lane.is_member(server.name) and len(self.lane.members) > 1:
            for entry in server.to_commit:
                self.log[entry.position] = entry.outcome
            self.lane.leave(server.name)
            del self.cursors[server.name]

    def join(self, server: StandInServer) -> None:
        """Give a server that is no member a copy of one that is at rest."""
        if self.lane.is_member(server.name) or server.name in self.lane.busy:
            return
        for name in self.lane.members:
            source = self.servers[name]
            if name not in self.lane.busy and self.lane.sent[name] == self.lane.applied[name]:
                server.applied = list(source.applied)
                self.cursors[server.name] = self.lane.applied[name]
                self.lane.join(server.name, name)
                return

    def wait(self, _: StandInServer) -> None:
        self.now += 0.7

    def read(self, server: StandInServer) -> None:
        if server.is_able and self.lane.is_fresh(server.name):
            assert self.lane.is_member(server.name)
            assert server.version >= self.known, "a stale read was allowed"
            self.lane.note_read(server.name)
            self.known = server.version

    def crash(self, server: StandInServer) -> None:
        """Let the load balancer die and start; what is on its way to one server is applied."""
        server.apply(self.accepted)
        for each in self.servers.values():
            each.at_work, each.to_commit = [], []
        self.lane = _lane(LANE, self.fleet, self.cursors, len(self.log))
        for position, outcome in self.log.items():
            self.lane.append(an_entry(position, outcome=outcome))

    def check_order(self) -> None:
        for name in self.lane.members:
            cursor, applied = self.lane.cursors[name], self.lane.applied[name]
            assert cursor <= applied <= self.lane.sent[name]

    def check_liveness(self) -> None:
        """While nothing is under way, an able instance with a backlog is not left waiting."""
        if any(server.at_work or server.to_commit for server in self.servers.values()):
            return
        waiting = [
            name
            for name, server in self.servers.items()
            if server.is_able and self.lane.next_entry(name) is not None
        ]
        steps = {name: self.decide(name).step for name in waiting}
        idle = (Step.IDLE, Step.WAIT)
        assert not waiting or any(step not in idle for step in steps.values()), f"stuck: {steps}"

    def heal(self) -> None:
        """Let everybody work until nothing is left to do."""
        for server in self.servers.values():
            server.is_able = True
        for _ in range(6 * len(self.log) + 6):
            if self.lane.is_drained and len(self.lane.members) == len(self.servers):
                break
            for server in self.servers.values():
                self.poke(server)
                self.answer(server)
                self.commit(server)
                self.join(server)
            self.now += 1.0
        assert self.lane.is_drained, f"never drained: {self.lane}"


# How often a move stands here is how often it is made.
MOVES: list[Callable[[Schedule, StandInServer], None]] = [
    *[Schedule.append] * 3,
    Schedule.append_refused,
    *[Schedule.poke] * 5,
    *[Schedule.apply] * 2,
    *[Schedule.answer] * 3,
    *[Schedule.commit] * 3,
    *[Schedule.read] * 4,
    Schedule.fail,
    Schedule.die,
    *[Schedule.come_back] * 2,
    Schedule.wait,
    Schedule.crash,
    Schedule.leave,
    *[Schedule.join] * 2,
]


@pytest.mark.parametrize("instances", [2, 3])
@settings(max_examples=200, deadline=None)
@given(steps=st.binary(min_size=20, max_size=120))
def test_every_schedule_keeps_order_freshness_and_liveness_and_ends_with_equal_instances(
    instances: int, steps: bytes
) -> None:
    schedule = Schedule(instances)

    for number in steps:
        schedule.step(number)
    schedule.heal()

    for server in schedule.servers.values():
        assert server.applied == sorted(schedule.accepted)
        schedule.read(server)
