"""What an administrator and late failures do to an entry in quarantine."""

import asyncio
from datetime import UTC, datetime

from lb.catalogue import Collection
from lb.errors import ServerFailedError
from lb.log_tail import LogTail
from lb.model import CollectionState, Entry, Failure, Kind, Progress, Standing, Suspicion
from lb.quarantine import Quarantine
from lb.suspicion import CanaryAnswer, CanaryResult
from tests.unit.lb.stand_ins import a_fleet, a_tail, an_active, an_entry, name

A, B = "primary", "replica"


class Bench:
    """A quarantine whose canaries in collections, and whose log, answer when they are let."""

    def __init__(self) -> None:
        self.tail: LogTail = a_tail(a_fleet(A, B))
        self.recorded: list[Progress] = []
        self.canary_gate = asyncio.Event()

    def with_quarantined(self, collection: Collection, kind: Kind = Kind.ADD) -> Entry:
        entry = an_entry(2, kind)
        entry.lane_id = collection.id
        now = datetime.now(UTC)
        failure = Failure(A, "HTTP 500", now, self.clock())
        entry.suspicion = Suspicion((failure,), Standing.QUARANTINED, now, "because")
        self.tail.add(collection, entry)
        self.quarantine = Quarantine(
            self.tail, self, self.clock, lambda _collection, _name: None, self.ask
        )
        return entry

    @staticmethod
    def clock() -> float:
        return asyncio.get_running_loop().time()

    async def record(self, *progress: Progress) -> None:
        self.recorded.extend(progress)

    async def ask(self, collection: Collection, instance: str) -> CanaryAnswer:
        began_at = self.clock()
        await self.canary_gate.wait()
        return CanaryAnswer(began_at, self.clock(), CanaryResult.TAKEN)

    async def accuse(self, collection: Collection, entry: Entry, instance: str) -> None:
        error = ServerFailedError(instance, "HTTP 500")
        await self.quarantine.accuse(
            collection, [entry], error, was_failing=False, is_repeated=False
        )

    def note_taken(self, *instances: str) -> None:
        for each in instances:
            now = self.clock()
            self.quarantine.note_canary(each, CanaryAnswer(now, now, CanaryResult.TAKEN))


async def turns() -> None:
    """Let every task that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_is_quarantined_stays_so_when_another_instance_fails_it_too() -> None:
    bench = Bench()
    collection = an_active(bench.tail, "files", 1)
    entry = bench.with_quarantined(collection)
    bench.canary_gate.set()

    await bench.accuse(collection, entry, B)
    bench.note_taken(A, B)
    judging = asyncio.create_task(bench.quarantine.run())
    await turns()

    assert entry.suspicion is not None
    assert [each.instance for each in entry.suspicion.failures] == [A, B]
    assert entry.suspicion.standing is Standing.QUARANTINED
    assert [each for each, _ in bench.quarantine.quarantined()] == [entry]
    judging.cancel()


async def test_a_release_after_a_late_failure_ends_nothing() -> None:
    """An exception in the judge would end the load balancer."""
    bench = Bench()
    collection = an_active(bench.tail, "files", 1)
    entry = bench.with_quarantined(collection)
    await bench.accuse(collection, entry, B)
    bench.note_taken(A, B)
    judging = asyncio.create_task(bench.quarantine.run())
    await turns()

    await bench.quarantine.release(entry.transaction_id)
    bench.canary_gate.set()
    await turns()

    assert not judging.done()
    assert not entry.is_held
    judging.cancel()


async def test_a_discarded_create_frees_its_name_in_the_commit_of_its_outcome() -> None:
    """A crash between two commits would leave the name taken by nothing, for ever."""
    bench = Bench()
    collection = bench.tail.catalogue.reserve(name("files"))
    entry = bench.with_quarantined(collection, Kind.CREATE)

    await bench.quarantine.discard(entry.transaction_id)

    (progress,) = bench.recorded
    assert progress.settlement is not None
    assert progress.collection is not None
    assert progress.collection.state is CollectionState.FAILED
    assert bench.tail.catalogue.by_name(name("files")) is None
