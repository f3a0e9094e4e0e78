"""Factories of the load balancer's values, and the tiny stand-ins where its rooms do I/O."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from lb.catalogue import Catalogue, Collection, Name
from lb.instances import Fleet, Instance, State
from lb.log_tail import LogTail
from lb.model import NOWHERE, Answer, CollectionChange, Entry, Kind
from lb.reads import Question

OK = Answer(200, b"{}")
REFUSED = Answer(400, b'{"error":"InvalidArgumentError"}')
BROKEN = Answer(500, b'{"error":"InternalError"}')
LANE = UUID(int=7)
TENANT, DATABASE = "default_tenant", "default_database"


def an_entry(position: int, kind: Kind = Kind.ADD, outcome: Answer | None = None) -> Entry:
    return Entry(
        transaction_id=f"t{position}",
        lane_id=LANE,
        kind=kind,
        path="/",
        body=b"{}",
        content_type="application/json",
        fingerprint=b"",
        body_bytes=2,
        position=position,
        outcome=outcome,
    )


def name(text: str) -> Name:
    return Name(TENANT, DATABASE, text)


def a_fleet(
    *names: str, clock: Callable[[], float] = lambda: 0.0, state: State = State.UP
) -> Fleet:
    """Make instances that are all in a state."""
    fleet = Fleet({each: f"http://{each}" for each in names}, clock)
    for instance in fleet:
        bring_to(instance, state)
    return fleet


def bring_to(instance: Instance, state: State) -> None:
    """Take the allowed way from DOWN to a state."""
    ways = {
        State.DOWN: (),
        State.CATCHING_UP: (State.CATCHING_UP,),
        State.UP: (State.CATCHING_UP, State.UP),
        State.SUSPECT: (State.CATCHING_UP, State.SUSPECT),
        State.NEEDS_REBUILD: (State.NEEDS_REBUILD,),
        State.MISMATCHED: (State.MISMATCHED,),
    }
    for step in ways[state]:
        instance.move_to(step, "arranged by the test")


def a_tail(fleet: Fleet) -> LogTail:
    return LogTail(fleet, Catalogue(fleet.names))


def an_active(tail: LogTail, text: str, position: int = 0) -> Collection:
    """Make a collection that exists on every instance, by a create at the position."""
    collection = tail.catalogue.reserve(name(text))
    entry = an_entry(position, Kind.CREATE, OK)
    for each in tail.fleet.names:
        tail.catalogue.map(collection, each, UUID(int=position * 100 + len(collection.uuids) + 1))
        collection.lane.mark_applied(each, entry)
        collection.lane.cursors[each] = position
    tail.catalogue.settle_create(collection, entry)
    tail.end = max(tail.end, position)
    return collection


async def until(holds: Callable[[], Any], what: str, timeout_seconds: float = 20.0) -> None:
    """Let the loop turn until a condition holds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_seconds
    while not holds():
        assert loop.time() < deadline, f"never saw: {what}"
        await asyncio.sleep(0.001)


Behaviour = Answer | Exception | asyncio.Event


class StandInUpstream:
    """In place of an instance: does what it is told, the last behaviour again and again.

    An event is waited for, and then answered with 200.
    """

    def __init__(self, instance: Instance, *behaviours: Behaviour) -> None:
        self.instance = instance
        self.behaviours = list(behaviours) or [OK]
        self.asked: list[str] = []

    async def read(
        self, method: str, path: str, body: bytes = b"", content_type: str = ""
    ) -> Answer:
        self.asked.append(path)
        behaviour = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
        if isinstance(behaviour, Exception):
            raise behaviour
        if isinstance(behaviour, asyncio.Event):
            await behaviour.wait()
            return OK
        return behaviour


@dataclass
class _Held:
    entry: Entry
    deliver: Callable[[], None]
    undo: Callable[[], None]
    change: CollectionChange | None


@dataclass
class HeldLog:
    """In place of the log: holds appends until the test commits or refuses them all."""

    is_available: bool = True
    held: list[_Held] = field(default_factory=list)
    last_position: int = 100

    def submit(
        self,
        entry: Entry,
        deliver: Callable[[], None],
        undo: Callable[[], None],
        change: CollectionChange | None = None,
    ) -> _Held:
        self.last_position += 1
        entry.position = self.last_position
        self.held.append(_Held(entry, deliver, undo, change))
        return self.held[-1]

    def commit(self) -> list[Entry]:
        held, self.held = self.held, []
        for append in held:
            append.deliver()
        return [append.entry for append in held]

    def refuse(self) -> None:
        held, self.held = self.held, []
        for append in reversed(held):
            append.undo()


@dataclass
class StandInReads:
    """In place of `Reads`: one instance that answers the same to every question.

    `nowhere`, if given, is what it answers when it is asked about what does not exist.
    """

    answer: Answer = REFUSED
    nowhere: Answer | None = None
    instance: str = "primary"
    asked: list[str] = field(default_factory=list)

    async def ask(self, question: Question) -> Answer:
        path = question.path(self.instance)
        self.asked.append(f"{question.method} {path}")
        question.note(self.instance)
        return self.nowhere if self.nowhere and str(NOWHERE) in path else self.answer
