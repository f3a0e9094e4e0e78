"""Which instance is believed, what is repaired, and when a doubt is over."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from lb.comparer import LOOK_AGAIN_SECONDS, Comparer
from lb.errors import InstanceUnreachableError
from lb.instances import Instance
from lb.model import Answer
from tests.unit.lb.stand_ins import a_fleet, a_tail, an_active, until

A, B = "primary", "replica"


class StandInServer:
    """In place of an instance: holds the texts of documents by id."""

    def __init__(self, instance: Instance, texts: Mapping[str, str]) -> None:
        self.instance = instance
        self.texts = dict(texts)
        self.writes: list[str] = []
        self.before_read: Callable[[], None] = lambda: None

    async def read(self, method: str, path: str, body: bytes, content_type: str) -> Answer:
        self.before_read()
        selection: dict[str, Any] = json.loads(body)
        ids = [i for i in self.texts if i in selection.get("ids", self.texts)]
        ids = ids[selection.get("offset", 0) :][: selection.get("limit", len(ids))]
        page = {"ids": ids, "documents": [self.texts[i] for i in ids]}
        return Answer(200, json.dumps(page).encode())

    async def write(self, method: str, path: str, body: bytes, content_type: str) -> Answer:
        operation, fields = path.rsplit("/", 1)[1], json.loads(body)
        self.writes.append(operation)
        if operation == "delete":
            for each in fields["ids"]:
                self.texts.pop(each, None)
        else:
            self.texts |= dict(zip(fields["ids"], fields["documents"], strict=True))
        return Answer(200, b"{}")


class Bench:
    """A comparer over two stand-in servers that hold one collection."""

    def __init__(self, on_a: Mapping[str, str], on_b: Mapping[str, str]) -> None:
        self.now = 0.0
        self.tail = a_tail(a_fleet(A, B))
        self.collection = an_active(self.tail, "files", 1)
        self.servers = {
            each.name: StandInServer(each, texts)
            for each, texts in zip(self.tail.fleet, (on_a, on_b), strict=True)
        }
        self.comparer = Comparer(self.servers, self.tail, lambda: self.now, 1000.0)

    async def look_until_done(self) -> None:
        """Let the time of every look pass, one after the other."""
        running = asyncio.create_task(self.comparer.run())
        doubts = self.comparer.doubted
        for number, seconds in enumerate(LOOK_AGAIN_SECONDS, start=1):
            self.now = seconds
            expected = number * doubts
            await until(lambda: self.comparer.figures.compared >= expected, "a look")  # noqa: B023
        await until(lambda: not self.comparer.doubted, "the doubts are over")
        running.cancel()


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lb.comparer.TICK_SECONDS", 0)


@pytest.mark.parametrize("texts", [{}, {"b": "b"}, {"a": "old", "b": "b"}, {"a": "new", "x": "x"}])
async def test_the_instance_in_doubt_gets_what_the_other_holds(texts: dict[str, str]) -> None:
    right = {"a": "new", "b": "b"}
    bench = Bench(texts, right)
    bench.comparer.doubt(bench.collection, A)

    await bench.look_until_done()

    assert bench.servers[A].texts == right
    assert bench.servers[B].writes == []
    # A document that only changed is never away, whatever happens in between.
    assert ("delete" in bench.servers[A].writes) == ("x" in texts)
    assert bench.comparer.doubted == 0
    assert bench.comparer.figures.different == 1
    assert not bench.collection.lane.busy
    assert not bench.collection.lane.repairing


async def test_when_both_are_in_doubt_nothing_is_repaired_and_the_doubt_ends() -> None:
    bench = Bench({"a": "one"}, {"a": "other"})
    for each in (A, B):
        bench.comparer.doubt(bench.collection, each)

    await bench.look_until_done()

    assert bench.servers[A].writes == bench.servers[B].writes == []
    assert bench.comparer.doubted == 0
    assert bench.comparer.figures.last_difference


async def test_a_lane_that_is_not_at_rest_is_looked_at_later() -> None:
    bench = Bench({"a": "old"}, {"a": "new"})
    bench.comparer.doubt(bench.collection, A)
    bench.collection.lane.busy.add(A)

    report = await bench.comparer.compare(bench.collection, A)

    assert report.outcome == "not compared"
    assert bench.comparer.doubted == 1
    assert bench.servers[A].texts == {"a": "old"}


async def test_without_a_doubt_a_difference_is_only_reported() -> None:
    bench = Bench({"a": "one"}, {"a": "other"})

    (report,) = await bench.comparer.compare_all()

    assert (report.instance, report.outcome) == (B, "different")
    assert bench.servers[A].writes == bench.servers[B].writes == []


@pytest.mark.parametrize("reads_before", [1, 2])
async def test_a_collection_that_goes_while_it_is_compared_is_not_compared(
    reads_before: int,
) -> None:
    """A drop was applied, or the instance left: its UUID is gone between two requests."""
    bench = Bench({"a": "old"}, {"a": "new"})
    bench.comparer.doubt(bench.collection, A)
    reads = 0

    def go() -> None:
        nonlocal reads
        reads += 1
        if reads == reads_before:
            bench.tail.catalogue.map(bench.collection, A, None)

    bench.servers[B].before_read = go

    report = await bench.comparer.compare(bench.collection, A)

    assert report.outcome == "not compared"
    assert bench.servers[A].texts == {"a": "old"}
    assert not bench.collection.lane.busy


async def test_however_often_requests_are_given_up_a_collection_is_doubted_once() -> None:
    bench = Bench({"a": "old"}, {"a": "new"})
    bench.comparer.doubt(bench.collection, A)
    bench.now = 3.0
    bench.comparer.doubt(bench.collection, A)
    bench.comparer.verify(bench.collection, A)
    bench.comparer.doubt(bench.collection, B)

    assert bench.comparer.doubted == 2
    assert bench.comparer.is_doubted(bench.collection, A)


async def test_an_instance_that_fails_when_it_is_read_is_asked_later_and_later() -> None:
    """Measured: a read can end a server whose index is torn, each time that it comes back."""
    bench = Bench({"a": "old"}, {"a": "new"})
    bench.comparer.doubt(bench.collection, A)
    reads: list[float] = []

    def fail() -> None:
        reads.append(bench.now)
        raise InstanceUnreachableError(A, "it ended")

    bench.servers[A].before_read = fail
    running = asyncio.create_task(bench.comparer.run())
    for tick in range(1, 41):
        bench.now = tick / 2
        for _ in range(20):
            await asyncio.sleep(0)
    running.cancel()

    assert reads == [1.0, 2.0, 4.0, 8.0, 16.0]
