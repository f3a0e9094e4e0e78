"""Merging on real servers: a merged request leaves what single ones leave, and answers the same."""

import asyncio
import itertools
import json
from typing import Any

import httpx
import pytest

from harness.labs.processes import ProcessLab
from lb.merging import WindowLimits, merge
from tests.integration.lb.calls import COLLECTIONS, eventually, ids_in, is_quiet
from tests.integration.lb.writers import assert_equal, seeded

MOST_DOCUMENTS = WindowLimits().documents


def row(number: int, **columns: Any) -> dict[str, Any]:
    """Make a write of one document; each number has its own id."""
    whole = {"embeddings": [1.0, float(number)], "documents": "text", "metadatas": {"n": number}}
    return {"ids": [f"d{number}"]} | {name: [value] for name, value in (whole | columns).items()}


ROWS = {
    "plain": {},
    "wrong-dimension": {"embeddings": [1.0, 2.0, 3.0]},
    "no-dimension": {"embeddings": []},
    "no-embedding": {"embeddings": None},
    "text-for-a-number": {"embeddings": ["x", 1.0]},
    "number-out-of-range": {"embeddings": [1e39, 1.0]},
    "number-for-a-text": {"documents": 5},
    "nested-metadata": {"metadatas": {"a": {"b": 1}}},
    "no-metadata": {"metadatas": None},
    "empty-metadata": {"metadatas": {}},
    "empty-id": {"ids": ""},
}
PAIRS = [
    pair
    for pair in itertools.product(ROWS, repeat=2)
    if "plain" in pair or "empty-id" in pair or "no-dimension" in pair
]


async def a_collection(plain: httpx.AsyncClient, name: str, start: str) -> str:
    """Make a collection that is empty, or has the documents that updates need."""
    made = (await plain.post(COLLECTIONS, json={"name": name})).json()
    path = f"{COLLECTIONS}/{made['id']}"
    if start == "filled":
        body = {"ids": ["d1", "d2", "e"], "embeddings": [[0.5, 0.5]] * 3, "documents": ["old"] * 3}
        assert (await plain.post(f"{path}/add", json=body)).status_code == 201
    return path


async def send(
    plain: httpx.AsyncClient, path: str, kind: str, bodies: list[bytes]
) -> list[tuple[int, str]]:
    answers = [
        await plain.post(
            f"{path}/{kind}", content=body, headers={"Content-Type": "application/json"}
        )
        for body in bodies
    ]
    name = path.rsplit("/", 1)[1]
    return [(answer.status_code, answer.text.replace(name, "ID")) for answer in answers]


async def held(plain: httpx.AsyncClient, name: str, path: str) -> tuple[Any, Any]:
    """Read what a collection holds, and its dimension."""
    found = await plain.post(
        f"{path}/get", json={"include": ["documents", "metadatas", "embeddings", "uris"]}
    )
    described = (await plain.get(f"{COLLECTIONS}/{name}")).json()
    return described["dimension"], found.json()


@pytest.mark.parametrize("start", ["empty", "filled"])
@pytest.mark.parametrize("kind", ["add", "upsert", "update"])
async def test_a_merged_request_taken_or_refused_leaves_what_single_ones_leave(
    plain: httpx.AsyncClient, kind: str, start: str
) -> None:
    """Refused, it is followed by single ones: what it left must not change what they do."""
    merged_pairs = 0
    for pair in PAIRS:
        rows = [row(number, **ROWS[name]) for number, name in enumerate(pair, start=1)]
        bodies = [
            json.dumps(each | {"ids": [""]} if name == "empty-id" else each).encode()
            for each, name in zip(rows, pair, strict=True)
        ]
        merged, sizes = merge(bodies, MOST_DOCUMENTS)
        if len(sizes) == 1:
            continue
        merged_pairs += 1
        name = f"{kind}-{start}-{'-'.join(pair)}"
        single = await a_collection(plain, f"single-{name}", start)
        together = await a_collection(plain, f"merged-{name}", start)
        answers = await send(plain, single, kind, bodies)
        ((status, _),) = await send(plain, together, kind, [merged])
        if status < 300:
            assert [status] * 2 == [each for each, _ in answers], name
        else:
            assert 400 <= status < 500, name
            assert await send(plain, together, kind, bodies) == answers, name
        left = await held(plain, f"merged-{name}", together)
        assert left == await held(plain, f"single-{name}", single), name
    assert merged_pairs > len(PAIRS) // 2


async def log_figures(lb: httpx.AsyncClient) -> dict[str, Any]:
    return dict((await lb.get("/wal/status")).json())


async def test_what_waits_for_slow_instances_goes_to_each_in_a_few_requests(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await seeded(lb, "shared", 10)
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    before = await log_figures(lb)

    async def add(number: int) -> int:
        body = {"ids": [f"c{number}"], "embeddings": [[1.0, float(number)]]}
        return (await lb.post(f"{COLLECTIONS}/shared/add", json=body)).status_code

    async def are_logged() -> bool:
        return int((await log_figures(lb))["appended"]) - before["appended"] >= 64

    for instance in ("primary", "replica"):
        await lab.pause(instance)
    clients = [asyncio.create_task(add(number)) for number in range(64)]
    await eventually(are_logged, "all are in the log")
    for instance in ("primary", "replica"):
        await lab.resume(instance)

    assert await asyncio.gather(*clients) == [201] * 64
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    after = await log_figures(lb)
    assert after["successful_syncs"] - before["successful_syncs"] == 2 * 64
    assert after["sync_cycles"] - before["sync_cycles"] <= 12
    assert set(await ids_in(lb, "shared")) >= {f"c{number}" for number in range(64)}
    await assert_equal(lab, "shared")


async def test_each_client_of_a_merged_request_is_answered_for_its_own_write(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await seeded(lb, "answered", 100)

    async def add(number: int) -> tuple[int, int]:
        embedding = [1.0, 2.0, 3.0] if number % 8 == 0 else [1.0, 2.0]
        body = {"ids": [f"a{number}"], "embeddings": [embedding]}
        answer = await lb.post(f"{COLLECTIONS}/answered/add", json=body)
        return number, answer.status_code

    async def delete(number: int) -> tuple[int, Any]:
        ids = [f"d{10 * number + each}" for each in range(number + 1)]
        answer = await lb.post(f"{COLLECTIONS}/answered/delete", json={"ids": ids})
        return number + 1, answer.json()["deleted"]

    added = await asyncio.gather(*(add(number) for number in range(32)))
    deleted = await asyncio.gather(*(delete(number) for number in range(9)))

    assert {status for number, status in added if number % 8 == 0} == {400}
    assert {status for number, status in added if number % 8} == {201}
    assert all(asked == counted for asked, counted in deleted), deleted
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    held_ids = set(await ids_in(lb, "answered"))
    assert {f"a{number}" for number in range(32) if number % 8} <= held_ids
    assert not {f"a{number}" for number in range(0, 32, 8)} & held_ids
    await assert_equal(lab, "answered")
