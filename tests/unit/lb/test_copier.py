"""Copies tried on servers in memory, with writes at random moments: same documents, same order."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lb.copier
from lb.catalogue import Collection
from lb.copier import Copier, CopyTools
from lb.errors import CopyAbandonedError, ForeignCollectionError
from lb.instances import Instance
from lb.log_tail import LogTail
from lb.membership import Memberships
from lb.model import Answer, Entry, Kind, Progress
from tests.unit.lb.stand_ins import LANE, OK, a_fleet, a_tail, an_active, an_entry

SOURCE, NEW = "primary", "replica"
COLUMNS = ("embeddings", "documents", "metadatas", "uris")


@dataclass
class StandInChroma:
    """In place of an instance: one collection, as far as a copy uses it."""

    instance: Instance
    documents: dict[str, list[Any]] = field(default_factory=dict)
    name: str = "files"
    is_there: bool = False
    before: Any = None
    """Is called before each request, as other clients may do something then."""

    async def read(
        self, method: str, path: str, body: bytes = b"", content_type: str = ""
    ) -> Answer:
        await self._meanwhile()
        if path.endswith("/count"):
            return Answer(200, str(len(self.documents)).encode())
        if not path.endswith("/get"):
            return Answer(200, self._described())
        asked = json.loads(body)
        ids = [i for i in self.documents if i in asked.get("ids", self.documents)]
        start = asked.get("offset", 0)
        ids = ids[start : start + asked.get("limit", len(ids))]
        page: dict[str, Any] = {"ids": ids}
        for number, column in enumerate(COLUMNS):
            is_asked = column in asked["include"]
            page[column] = [self.documents[i][number] for i in ids] if is_asked else None
        return Answer(200, json.dumps(page).encode())

    async def write(self, method: str, path: str, body: bytes, content_type: str) -> Answer:
        await self._meanwhile()
        if path.endswith("/collections"):
            if self.is_there:
                return Answer(409, b"{}")
            self.is_there = True
            return Answer(200, self._described())
        self.apply(Kind(path.rsplit("/", 1)[1]), json.loads(body))
        return OK

    def apply(self, kind: Kind, body: dict[str, Any]) -> None:
        for number, i in enumerate(body["ids"]):
            row = [body[c][number] if body.get(c) else None for c in COLUMNS]
            old = self.documents.get(i)
            if kind is Kind.DELETE:
                self.documents.pop(i, None)
            elif old is None and kind is not Kind.UPDATE:
                self.documents[i] = row
            elif old is not None and kind is not Kind.ADD:
                merged = {**(old[2] or {}), **(row[2] or {})}
                kept = {key: value for key, value in merged.items() if value is not None}
                new = [a if a is not None else b for a, b in zip(row, old, strict=True)]
                self.documents[i] = [new[0], new[1], kept or None, new[3]]

    def _described(self) -> bytes:
        uuid = str(UUID(int=2 if self.instance.name == NEW else 1))
        return json.dumps(
            {"id": uuid, "name": self.name, "metadata": None, "configuration_json": {"hnsw": {}}}
        ).encode()

    async def _meanwhile(self) -> None:
        await asyncio.sleep(0)
        if self.before is not None:
            self.before()


class StandInLog:
    """In place of the log and its reader: everything is durable at once, and stays."""

    def __init__(self) -> None:
        self.recorded: list[Progress] = []
        self.logged: dict[int, bytes] = {}

    async def each_body(self, entries: Sequence[Entry]) -> AsyncIterator[tuple[Entry, bytes]]:
        for entry in entries:
            yield entry, self.logged[entry.position]

    async def record(self, progress: Progress) -> None:
        self.recorded.append(progress)


class Bench:
    """A collection on one instance, a second instance, and clients that write to the first."""

    def __init__(self, seed: int, documents: int) -> None:
        self.random = random.Random(seed)
        self.tail: LogTail = a_tail(a_fleet(SOURCE, NEW))
        self.collection: Collection = an_active(self.tail, "files", 1)
        self.log = StandInLog()
        self.memberships = Memberships(self.tail, self.log)
        self.source, self.new = (StandInChroma(each) for each in self.tail.fleet)
        self.source.documents = {f"d{n}": self.row(n) for n in range(documents)}
        self.tail.catalogue.map(self.collection, SOURCE, UUID(int=1))
        self.tail.leave(self.collection, NEW)
        self.tail.catalogue.map(self.collection, NEW, None)
        self.position = 1
        tools = CopyTools(self.tail, self.log, self.memberships, lambda _: None)
        self.copier = Copier(self.collection, self.source, self.new, tools)

    @staticmethod
    def row(number: int) -> list[Any]:
        return [[float(number)], f"text {number}", {f"key{number % 3}": number}, None]

    def write(self) -> None:
        """Have a client write something; the source applies it when it is not held."""
        kind = self.random.choice([Kind.ADD, Kind.UPSERT, Kind.UPDATE, Kind.DELETE, Kind.DELETE])
        ids = self.random.sample([f"d{n}" for n in range(14)], self.random.randrange(1, 4))
        body: dict[str, Any] = {"ids": ids}
        if kind is not Kind.DELETE:
            rows = [self.row(self.random.randrange(50)) for _ in ids]
            body |= {c: [row[n] for row in rows] for n, c in enumerate(COLUMNS)}
        self.log_write(kind, body)
        self.apply()

    def log_write(self, kind: Kind, body: dict[str, Any]) -> None:
        self.position += 1
        entry = an_entry(self.position, kind)
        entry.lane_id = self.collection.id
        entry.body = self.log.logged[self.position] = json.dumps(body).encode()
        self.tail.add(self.collection, entry)

    def apply(self) -> None:
        lane = self.collection.lane
        while SOURCE not in lane.held and (entry := lane.next_entry(SOURCE)) is not None:
            self.source.apply(entry.kind, json.loads(entry.body or b"{}"))
            entry.outcome = OK
            lane.mark_applied(SOURCE, entry)
            self.tail.advance(self.collection, SOURCE, entry)

    def catch_up(self) -> None:
        """Apply the rest of the log everywhere, as the appliers do once it is a member."""
        self.apply()
        lane = self.collection.lane
        while (entry := lane.next_entry(NEW)) is not None:
            self.new.apply(entry.kind, json.loads(entry.body or b"{}"))
            lane.mark_applied(NEW, entry)
            self.tail.advance(self.collection, NEW, entry)


@pytest.fixture(autouse=True, scope="module")
def small_pages() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lb.copier, "PAGE_DOCUMENTS", 3)
        patch.setattr(lb.copier, "FEW_DOCUMENTS", 4)
        yield


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    documents=st.integers(0, 12),
    busy_percent=st.sampled_from([0, 20, 60, 100]),
)
def test_whatever_clients_write_meanwhile_the_copy_is_equal_and_in_the_same_order(
    seed: int, documents: int, busy_percent: int
) -> None:
    bench = Bench(seed, documents)

    def meanwhile() -> None:
        if bench.random.randrange(100) < busy_percent:
            bench.write()

    bench.source.before = bench.new.before = meanwhile
    asyncio.run(bench.copier.run())
    bench.source.before = bench.new.before = None
    bench.catch_up()

    assert list(bench.new.documents.items()) == list(bench.source.documents.items())
    assert bench.collection.lane.members == (SOURCE, NEW)
    assert not bench.collection.lane.held
    assert not bench.collection.lane.copying


async def test_a_copy_is_noted_before_documents_and_joined_with_its_cursor_in_one_commit() -> None:
    bench = Bench(1, 5)

    await bench.copier.run()

    begun, joined = bench.log.recorded
    assert begun.leftover == joined.removed
    assert joined.mapping is not None
    assert joined.membership is not None
    assert (joined.mapping.uuid, joined.membership.position) == (UUID(int=2), 1)


async def test_a_change_of_the_collection_ends_the_copy_and_leaves_a_leftover() -> None:
    bench = Bench(1, 9)
    reads = 0

    def change_it() -> None:
        nonlocal reads
        reads += 1
        if reads == 4:
            bench.log_write(Kind.MODIFY, {"ids": []})
        bench.apply()

    bench.source.apply = lambda kind, body: None  # type: ignore[method-assign]
    bench.source.before, bench.new.before = change_it, bench.apply

    with pytest.raises(CopyAbandonedError, match="modify"):
        await bench.copier.run()

    (leftover,) = bench.tail.leftovers.on(NEW)
    assert leftover.uuid == UUID(int=2)
    assert not bench.collection.lane.is_member(NEW)
    assert not bench.collection.lane.held


async def test_a_collection_with_documents_of_the_same_name_is_not_touched() -> None:
    bench = Bench(1, 5)
    bench.new.is_there, bench.new.documents = True, {"theirs": Bench.row(1)}

    with pytest.raises(ForeignCollectionError, match="1 documents"):
        await bench.copier.run()

    assert list(bench.new.documents) == ["theirs"]
    assert bench.tail.leftovers.on(NEW) == []


async def test_an_empty_collection_of_the_same_name_is_deleted_first() -> None:
    bench = Bench(1, 5)
    bench.new.is_there = True

    with pytest.raises(CopyAbandonedError, match="in the way"):
        await bench.copier.run()

    assert [each.uuid for each in bench.tail.leftovers.on(NEW)] == [UUID(int=2)]


async def test_while_a_copy_is_made_nobody_else_takes_its_name_there() -> None:
    bench = Bench(1, 5)
    create = an_entry(9, Kind.CREATE)
    create.lane_id = LANE
    seen: list[bool] = []
    bench.new.before = lambda: seen.append(bench.tail.leftovers.is_free(NEW, "files"))

    await bench.copier.run()

    assert set(seen) == {False}
    assert bench.tail.leftovers.is_free(NEW, "files")
