"""Two appliers on stand-in servers, for the tests of appliers and of deliveries."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field

from lb.ailments import Ailments
from lb.applier import Applier
from lb.catalogue import Collection
from lb.delivery import Machinery
from lb.instances import Instance, State
from lb.leader import Lead
from lb.log_reader import LogReader
from lb.merging import WindowLimits
from lb.model import Answer, Entry, Kind, Progress
from lb.quarantine import Quarantine
from lb.suspicion import CanaryAnswer, CanaryResult
from tests.unit.lb.stand_ins import (
    DATABASE,
    OK,
    TENANT,
    a_fleet,
    a_tail,
    an_active,
    an_entry,
)

A, B = "primary", "replica"
COLLECTIONS = f"/api/v2/tenants/{TENANT}/databases/{DATABASE}/collections"


@dataclass
class StandInServer:
    """In place of an instance: answers writes with what is prepared, or when it is let."""

    instance: Instance
    answer: Answer | Exception = OK
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    bodies: list[bytes] = field(default_factory=list)
    listed: Answer = field(default_factory=lambda: Answer(404, b"{}"))
    reads: int = 0

    async def write(self, method: str, path: str, body: bytes, content_type: str) -> Answer:
        self.bodies.append(body)
        await self.gate.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def read(
        self, method: str, path: str, body: bytes = b"", content_type: str = ""
    ) -> Answer:
        self.reads += 1
        return self.listed


@dataclass
class StandInLog:
    """In place of the log: takes progress down, and commits when it is let."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    recorded: list[Progress] = field(default_factory=list)

    async def record(self, *progress: Progress) -> None:
        self.recorded.extend(progress)
        await self.gate.wait()

    record_soon = record


class Bench:
    """Two appliers on stand-in servers, wired as the load balancer wires them."""

    def __init__(self, hedge_max_seconds: float = 5.0) -> None:
        loop = asyncio.get_running_loop()
        self.fleet = a_fleet(A, B)
        self.tail = a_tail(self.fleet)
        self.log = StandInLog()
        self.servers = {each.name: StandInServer(each) for each in self.fleet}
        self.tasks: list[asyncio.Task[None]] = []
        self.doubts: list[tuple[Collection, str]] = []
        self.barrier = asyncio.Event()
        self.lead = Lead(loop.time, 60.0)
        self.lead.confirm(loop.time())
        self.quarantine = Quarantine(
            self.tail, self.log, loop.time, self._doubt, self._ask_collection
        )
        self.ailments = Ailments(loop.time)
        machinery = Machinery(
            self.tail,
            self.log,
            LogReader(None),
            self._spawn,
            loop.time,
            hedge_max_seconds,
            self._doubt,
            self.lead,
            self.quarantine,
            self.ailments,
            WindowLimits,
        )
        self.appliers = [
            Applier(server, machinery, self._settled) for server in self.servers.values()
        ]
        for instance in self.fleet:
            instance.on_change = lambda _: self.poke_all()
            instance.write_latency.mean_seconds = hedge_max_seconds
        self.wire()
        self.log.gate.set()
        self.collection = an_active(self.tail, "files", 1)

    def wire(self) -> None:
        self.tail.on_change = self._poke
        self.tail.on_freed = self.poke_all

    def hold_still(self) -> None:
        """Be as before the appliers are wired: what is logged is sent nowhere."""
        self.tail.on_change = lambda _: None

    def _doubt(self, collection: Collection, name: str) -> None:
        self.doubts.append((collection, name))

    async def _ask_collection(self, collection: Collection, name: str) -> CanaryAnswer:
        now = asyncio.get_running_loop().time()
        return CanaryAnswer(now, now, CanaryResult.TAKEN)

    async def _settled(self) -> None:
        await self.barrier.wait()

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        self.tasks.append(asyncio.create_task(work, name=name))

    def _poke(self, collection: Collection) -> None:
        for applier in self.appliers:
            applier.poke(collection)

    def poke_all(self) -> None:
        for applier in self.appliers:
            applier.poke_all()

    def come_back(self, name: str) -> None:
        """Have an instance serve again that got a 5xx."""
        self.fleet[name].note_canary(None, asyncio.get_running_loop().time())
        self.fleet[name].move_to(State.CATCHING_UP, "arranged by the test")

    def let(self, *names: str) -> None:
        for each in names:
            self.servers[each].gate.set()

    def logged(
        self, position: int, kind: Kind = Kind.ADD, body: bytes = b"{}", **details: object
    ) -> Entry:
        collection = details.pop("collection", self.collection)
        assert isinstance(collection, Collection)
        entry = an_entry(position, kind)
        below = "" if kind is Kind.CREATE else "/files"
        entry.path = COLLECTIONS + below + ("" if kind in (Kind.CREATE, Kind.DROP) else f"/{kind}")
        entry.lane_id, entry.body, entry.body_bytes = collection.id, body, len(body)
        for name, value in details.items():
            setattr(entry, name, value)
        self.tail.add(collection, entry)
        return entry

    def sent(self, name: str) -> int:
        return len(self.servers[name].bodies)

    async def stop(self) -> None:
        for applier in self.appliers:
            applier.stop()
        for task in self.tasks:
            task.cancel()
        results = await asyncio.gather(*self.tasks, return_exceptions=True)
        unexpected = [r for r in results if r and not isinstance(r, asyncio.CancelledError)]
        assert not unexpected, "the task of an applier died, which ends the load balancer"


async def running_bench() -> AsyncIterator[Bench]:
    """Give a bench, and check at the end that no task of it has died."""
    bench = Bench()
    yield bench
    await bench.stop()
