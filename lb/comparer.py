"""The comparer: looks again at collections in which an instance may have got a late request.

It compares them with an instance that is not in doubt, at rest, and repairs what differs. The same
comparison of all collections runs slowly in the background, and at once when asked for.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec

from lb import payloads
from lb.catalogue import Collection
from lb.comparison import (
    ComparisonFigures,
    Difference,
    Document,
    Page,
    add_body,
    difference,
    documents_of,
    repair_of,
)
from lb.copy_plan import update_body
from lb.errors import InstanceError, RequestError
from lb.log_tail import LogTail
from lb.model import CollectionState
from lb.paths import Read, Target
from lb.upstream import Upstream, describe

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
PAGE_DOCUMENTS = 500
LOOK_AGAIN_SECONDS = (1.0, 4.0, 12.0, 40.0)
"""A request that was given up has been seen to arrive many seconds later: look that often."""

VERIFY_SECONDS = 2.0
"""After a copy: clients first."""

FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 60.0
"""A read that fails on an instance may be what breaks it: it is asked later and later."""

INCLUDED = ["embeddings", "documents", "metadatas", "uris"]


@dataclass
class Doubt:
    """A collection on an instance that may yet change behind our back; when to look again."""

    collection: Collection
    instance: str
    due: list[float]
    failures: int = 0
    """How many looks in a row ended with an error of an instance."""
    retry_at: float = 0.0


@dataclass(frozen=True)
class Report:
    """What one comparison found; `outcome` is equal, repaired, different or not compared.

    `error` is an instance's; without one what was not compared was not at rest.
    """

    collection: str
    instance: str
    outcome: str
    documents: int
    error: str = ""


class Comparer:
    """Compares, and repairs where it is clear who is right: where one instance is in doubt.

    A repair holds the lane on the instance that is repaired, and keeps reads of the collection
    away from it meanwhile. Nothing is repaired from an instance that is in doubt itself.
    """

    def __init__(
        self,
        upstreams: dict[str, Upstream],
        tail: LogTail,
        clock: Callable[[], float],
        interval_seconds: float,
    ) -> None:
        self._upstreams = upstreams
        self._tail = tail
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._doubts: list[Doubt] = []
        # Where a doubt ended with a difference that could not be repaired: not to be believed.
        self._unresolved: set[tuple[Collection, str]] = set()
        self.figures = ComparisonFigures()

    @property
    def doubted(self) -> int:
        """How many collections on instances are to be looked at again."""
        return len(self._doubts)

    def doubt(self, collection: Collection, instance: str) -> None:
        """Look at the collection on the instance again, several times."""
        if collection is self._tail.catalogue.namespaces:
            return  # It has no documents.
        now = self._clock()
        due = [now + seconds for seconds in LOOK_AGAIN_SECONDS]
        if (known := self._find(collection, instance)) is not None:
            known.due = due  # An instance may be given up again and again.
        else:
            self._doubts.append(Doubt(collection, instance, due))

    def verify(self, collection: Collection, instance: str) -> None:
        """Compare the collection on the instance once, soon: it has just got a copy."""
        if self._find(collection, instance) is None:
            due = [self._clock() + VERIFY_SECONDS]
            self._doubts.append(Doubt(collection, instance, due))

    def is_doubted(self, collection: Collection, instance: str) -> bool:
        """Tell whether the collection on the instance may differ from what was written."""
        return instance in self._doubted_on(collection)

    def _find(self, collection: Collection, instance: str) -> Doubt | None:
        alike = (d for d in self._doubts if d.collection is collection and d.instance == instance)
        return next(alike, None)

    async def run(self) -> None:
        """Look at what is due until cancelled; everything now and then."""
        next_round = self._clock() + self._interval_seconds
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = self._clock()
            for doubt in [d for d in self._doubts if max(d.due[0], d.retry_at) <= now]:
                await self._look_again(doubt)
            if self._clock() >= next_round:
                await self.compare_all()
                next_round = self._clock() + self._interval_seconds

    async def compare_all(self) -> list[Report]:
        """Compare every collection on every instance with the first that is not in doubt.

        A difference that no doubt explains is only reported: nobody knows who is right.
        """
        active = [c for c in self._tail.catalogue if c.state is CollectionState.ACTIVE]
        self._unresolved = {each for each in self._unresolved if each[0] in active}
        return [await self.compare(c, name) for c in active for name in self._others(c)]

    async def compare(self, collection: Collection, instance: str) -> Report:
        """Compare one collection on one instance; repair it if it differs and is in doubt."""
        right = self._right_one(collection, instance)
        outcome, count, failure = "not compared", 0, ""
        if right is not None:
            try:
                outcome, count = await self._compare(collection, right, instance)
            except (InstanceError, RequestError) as error:
                failure = str(error)
                log.info("%s on %s was not compared: %s", collection.name.name, instance, error)
        if outcome != "not compared":
            self.figures.compared += 1
        if outcome in ("repaired", "different"):
            self.figures.different += 1
            self.figures.last_difference = f"{collection.name.name} on {instance}: {outcome}"
            log.warning("%s differed on %s: %s", collection.name.name, instance, outcome)
        return Report(collection.name.name, instance, outcome, count, failure)

    async def _look_again(self, doubt: Doubt) -> None:
        due = doubt.due
        report = await self.compare(doubt.collection, doubt.instance)
        doubt.failures = doubt.failures + 1 if report.error else 0
        if report.error:
            delay = FIRST_RETRY_SECONDS * 2 ** min(doubt.failures - 1, 10)
            doubt.retry_at = self._clock() + min(LONGEST_RETRY_SECONDS, delay)
        if doubt.collection.state is not CollectionState.ACTIVE:
            self._doubts.remove(doubt)
        elif report.outcome != "not compared" and doubt.due is due:
            doubt.due.pop(0)
            if not doubt.due:
                self._doubts.remove(doubt)
                if report.outcome == "different":
                    self._unresolved.add((doubt.collection, doubt.instance))

    async def _compare(self, collection: Collection, right: str, other: str) -> tuple[str, int]:
        """Compare at rest: what moved meanwhile says nothing. Looks twice before it repairs."""
        marks = self._marks(collection, right, other)
        if marks is None:
            return "not compared", 0
        good, found = await self._read(collection, right), await self._read(collection, other)
        if self._marks(collection, right, other) != marks:
            return "not compared", 0
        differing = difference(good, found)
        if not differing:
            self._unresolved -= {(collection, right), (collection, other)}
            return "equal", len(good)
        doubted = self._doubted_on(collection)
        if other not in doubted or right in doubted:
            return "different", len(good)
        lane = collection.lane
        lane.busy.add(other)
        lane.repairing.add(other)
        try:
            repaired = await self._repair(collection, right, other, differing, marks)
        finally:
            lane.busy.discard(other)
            lane.repairing.discard(other)
            self._tail.notify()
            self._tail.on_change(collection)
        return ("repaired" if repaired else "not compared"), len(good)

    async def _repair(
        self,
        collection: Collection,
        right: str,
        other: str,
        differing: Difference,
        marks: tuple[int, ...],
    ) -> bool:
        ids = sorted(differing.missing | differing.changed | differing.extra)
        good = await self._read_ids(collection, right, ids)
        found = await self._read_ids(collection, other, ids)
        if difference(good, found) != differing:
            return False
        if self._positions(collection, right, other) != marks:
            return False
        repair = repair_of(differing, good, found)
        for some in _pages(repair.update):
            await self._write(collection, other, "update", update_body(good, found, some))
        for some in _pages(repair.remove):
            await self._write(collection, other, "delete", payloads.delete_by_ids(some))
        for some in _pages(repair.add):
            await self._write(collection, other, "add", add_body(good, some))
        self.figures.repaired_documents += len(ids)
        return True

    def _others(self, collection: Collection) -> Iterable[str]:
        right = self._right_one(collection, "")
        return [name for name in self._tail.fleet.names if name != right] if right else []

    def _right_one(self, collection: Collection, instance: str) -> str | None:
        """Choose whom to compare with: a serving instance, best one without a doubt."""
        doubted = self._doubted_on(collection)
        serving = [
            i.name
            for i in self._tail.fleet
            if i.is_serving and i.name != instance and collection.lane.is_member(i.name)
        ]
        return min(serving, key=lambda name: name in doubted, default=None)

    def _doubted_on(self, collection: Collection) -> set[str]:
        doubted = {doubt.instance for doubt in self._doubts if doubt.collection is collection}
        return doubted | {name for other, name in self._unresolved if other is collection}

    def _marks(self, collection: Collection, *names: str) -> tuple[int, ...] | None:
        """Return how far the instances are; None unless they are at rest at the same place."""
        lane = collection.lane
        if lane.copying or not all(lane.is_member(name) for name in names):
            return None
        at_rest = all(
            name not in lane.busy and not lane.queues[name] and name in collection.uuids
            for name in names
        )
        serving = all(self._tail.fleet[name].is_serving for name in names)
        positions = self._positions(collection, *names)
        return positions if at_rest and serving and len(set(positions)) == 1 else None

    def _positions(self, collection: Collection, *names: str) -> tuple[int, ...]:
        return tuple(collection.lane.sent[name] for name in names)

    async def _read(self, collection: Collection, instance: str) -> dict[str, Document]:
        documents: dict[str, Document] = {}
        while True:
            page = await self._get(
                collection, instance, {"limit": PAGE_DOCUMENTS, "offset": len(documents)}
            )
            documents |= page
            if len(page) < PAGE_DOCUMENTS:
                return documents

    async def _read_ids(
        self, collection: Collection, instance: str, ids: list[str]
    ) -> dict[str, Document]:
        return await self._get(collection, instance, {"ids": ids})

    async def _get(
        self, collection: Collection, instance: str, selection: dict[str, object]
    ) -> dict[str, Document]:
        body = msgspec.json.encode(selection | {"include": INCLUDED})
        path = self._path(collection, instance, "get")
        answer = await self._upstreams[instance].read("POST", path, body, "application/json")
        if not answer.is_success:
            raise InstanceError(instance, describe(answer))
        return documents_of(payloads.read_as(answer.body, Page))

    async def _write(
        self, collection: Collection, instance: str, operation: str, body: bytes
    ) -> None:
        path = self._path(collection, instance, operation)
        answer = await self._upstreams[instance].write("POST", path, body, "application/json")
        if not answer.is_success:
            raise InstanceError(instance, describe(answer))

    def _path(self, collection: Collection, instance: str, operation: str) -> str:
        if (uuid := collection.uuids.get(instance)) is None:
            # Between two requests a drop was applied, or the instance has left.
            raise InstanceError(instance, "has no UUID for the collection any more")
        target = Target(Read.RECORDS, collection.name.tenant, collection.name.database)
        return target.collection_path(uuid, operation)


def _pages(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), PAGE_DOCUMENTS):
        yield ids[start : start + PAGE_DOCUMENTS]
