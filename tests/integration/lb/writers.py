"""Clients that write without a pause, and whole contents read from instances, for rebuild tests."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from harness.labs.processes import ProcessLab
from tests.integration.lb.calls import COLLECTIONS

INCLUDED = ["embeddings", "documents", "metadatas", "uris"]


class Writer:
    """Writes random adds, upserts, updates and deletes to one collection, and counts answers."""

    def __init__(self, lb: httpx.AsyncClient, collection: str, seed: int, known: int = 0) -> None:
        self._lb = lb
        self._collection = collection
        self._random = random.Random(seed)
        self._prefix = f"w{seed}"
        self._known = known
        self._next = 0
        self.statuses: Counter[int] = Counter()

    @property
    def failed(self) -> int:
        return sum(count for status, count in self.statuses.items() if status >= 400)

    async def write(self) -> None:
        kind = self._random.choice(["add", "add", "upsert", "update", "delete", "delete-add"])
        body: dict[str, Any] = {"ids": self._some_ids(kind)}
        if kind == "delete-add":
            await self._send("delete", body)
            kind = "add"
        if kind != "delete":
            body |= self._contents(len(body["ids"]))
        await self._send(kind, body)

    async def _send(self, kind: str, body: dict[str, Any]) -> None:
        answer = await self._lb.post(f"{COLLECTIONS}/{self._collection}/{kind}", json=body)
        self.statuses[answer.status_code] += 1

    def _some_ids(self, kind: str) -> list[str]:
        if kind == "add":
            self._next += 3
            return [f"{self._prefix}-{self._next + number}" for number in range(3)]
        old = [f"d{self._random.randrange(self._known)}" for _ in range(2 if self._known else 0)]
        new = [f"{self._prefix}-{self._random.randrange(self._next + 4)}" for _ in range(2)]
        return sorted({*old, *new}, key=lambda _: self._random.random())

    def _contents(self, count: int) -> dict[str, Any]:
        number = self._random.randrange(1000)
        return {
            "embeddings": [[self._random.random(), self._random.random()] for _ in range(count)],
            "documents": [f"text {number}"] * count,
            "metadatas": [{f"key{self._random.randrange(4)}": number} for _ in range(count)],
        }


@asynccontextmanager
async def writing(*writers: Writer) -> AsyncIterator[None]:
    """Let the writers write until the end of the block; what breaks there breaks the test."""
    stop = asyncio.Event()

    async def work(writer: Writer) -> None:
        while not stop.is_set():
            await writer.write()

    async with asyncio.TaskGroup() as tasks:
        for writer in writers:
            tasks.create_task(work(writer))
        try:
            yield
        finally:
            stop.set()


async def seeded(lb: httpx.AsyncClient, name: str, documents: int) -> None:
    """Make a collection with documents d0, d1, ..."""
    answer = await lb.post(
        COLLECTIONS, json={"name": name, "configuration": {"hnsw": {"space": "ip"}}}
    )
    assert answer.status_code == 200
    for start in range(0, documents, 500):
        ids = [f"d{number}" for number in range(start, min(documents, start + 500))]
        body = {
            "ids": ids,
            "embeddings": [[float(number), 0.1] for number in range(len(ids))],
            "documents": [f"text of {each}" for each in ids],
            "metadatas": [{"number": start + number} for number in range(len(ids))],
        }
        answer = await lb.post(f"{COLLECTIONS}/{name}/add", json=body)
        assert answer.status_code == 201, answer.text


async def contents(lab: ProcessLab, name: str) -> dict[str, Any]:
    """Read from each instance all that it holds of a collection, in order of insertion."""
    found = {}
    for instance in lab.instances:
        async with httpx.AsyncClient(base_url=instance.url, timeout=30) as direct:
            described = (await direct.get(f"{COLLECTIONS}/{name}")).json()
            path = f"{COLLECTIONS}/{described['id']}/get"
            answer = await direct.post(path, json={"include": INCLUDED})
            assert answer.status_code == 200, answer.text
            configuration = described["configuration_json"], described["metadata"]
            found[instance.name] = (configuration, answer.json())
    return found


async def assert_equal(lab: ProcessLab, *names: str) -> None:
    """Check that every instance holds the same, in the same order."""
    for name in names:
        (_, first), *others = (await contents(lab, name)).items()
        for instance, other in others:
            assert other[0] == first[0]
            assert other[1]["ids"] == first[1]["ids"], name
            columns = {name: first[1][name] != other[1][name] for name in INCLUDED}
            for column in [column for column, differs in columns.items() if differs]:
                pairs = zip(first[1]["ids"], first[1][column], other[1][column], strict=True)
                differing = [(i, a, b) for i, a, b in pairs if a != b]
                few = f"{differing[:5]} of {len(differing)}"
                pytest.fail(f"{name} on {instance}: {column} differ from the first: {few}")
