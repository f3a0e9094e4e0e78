"""Replication lag: from the answer to the client until every instance has applied the write.

Measured from outside: single documents are added at a moderate rate, and the cursors in PostgreSQL
are read in a loop. A cursor is committed after its instance has answered, so what is stated is the
lag plus that commit plus at most one turn of the loop; writes that every instance has before the
client has its answer count as 0.
"""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg

from bench import requests
from bench.comparing import Goal, stated
from bench.connection import Connection
from bench.figure import Better, Figure
from bench.plan import Bench
from bench.rounds import Spread
from bench.subjects import Sides, lb_and_plain
from harness.errors import HarnessError

NAME = "lag"
_PER_SECOND = 20.0
_LOOK_SECONDS = 0.001
_CURSORS = "select min(position) from cursors where lane_id = $1::text::uuid"
_POSITIONS = "select transaction_id, position from wal where lane_id = $1::text::uuid"

Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True)
class Sight:
    """The position up to which every instance had applied everything, when it was seen."""

    seen_at: float
    position: int


async def measure(bench: Bench) -> list[Figure]:
    """Add at a moderate rate and state the lag."""
    async with bench.rig(NAME) as rig:
        sides = await lb_and_plain(rig)
        answered = await _lags(bench, sides)
    lags_ms = sorted(lag * 1e3 for lag in answered)
    if not lags_ms:
        raise HarnessError("no write was seen on every instance")
    bench.detail[NAME] = lags_ms
    note = f"{len(lags_ms)} adds at {_PER_SECOND:g}/s, cursors read from PostgreSQL"
    figures = []
    for share, goal in (
        (0.5, Goal("replication_lag_p50", Better.LOWER, 50.0)),
        (0.99, Goal("replication_lag_p99", Better.LOWER)),
    ):
        value = lags_ms[min(len(lags_ms) - 1, int(share * len(lags_ms)))]
        found = Spread(value, lags_ms[0], lags_ms[-1])
        figures.append(stated(goal, found, "ms", NAME, note=note))
    bench.tell(f"{NAME}: p50 {figures[0].value} ms, p99 {figures[1].value} ms")
    return figures


async def _lags(bench: Bench, sides: Sides) -> list[float]:
    collection = await sides.ours.new_collection()
    session = await sides.behind.connect()
    try:
        answered = await _write_and_watch(bench, sides, session, collection)
        rows = await session.fetch(_POSITIONS, collection)
    finally:
        session.terminate()
    answers, sights = answered
    positions = {row["transaction_id"]: row["position"] for row in rows}
    return lags({positions[name]: at for name, at in answers.items() if name in positions}, sights)


async def _write_and_watch(
    bench: Bench, sides: Sides, session: Session, collection: str
) -> tuple[dict[str, float], list[Sight]]:
    sights: list[Sight] = []
    is_over = asyncio.Event()
    watch = _watch(session, collection, sights, is_over)
    watching = asyncio.create_task(watch, name="watch cursors")
    try:
        answers = await _write(bench, sides, collection)
        await sides.ours.rest()
    finally:
        is_over.set()
        await asyncio.gather(watching, return_exceptions=True)
    # A last look at rest, when nobody else uses the session any more.
    sights.append(await _look(session, collection))
    return answers, sights


async def _watch(
    session: Session, collection: str, sights: list[Sight], is_over: asyncio.Event
) -> None:
    while not is_over.is_set():
        sights.append(await _look(session, collection))
        await asyncio.sleep(_LOOK_SECONDS)


async def _look(session: Session, collection: str) -> Sight:
    position = await session.fetchval(_CURSORS, collection)
    return Sight(time.perf_counter(), position or 0)


async def _write(bench: Bench, sides: Sides, collection: str) -> dict[str, float]:
    """Add documents at an even pace; return when each transaction was answered."""
    source = requests.adds((collection,), "lag", 1, requests.vectors(seed=3))
    answers: dict[str, float] = {}

    async def send(request: bytes) -> None:
        connection = await Connection.open("127.0.0.1", sides.ours.port)
        reply = await connection.exchange(request)
        at = time.perf_counter()
        connection.close()
        if reply.status < 300:
            answers[reply.headers[b"transaction-id"].decode()] = at

    async with asyncio.TaskGroup() as writes:
        for _ in range(int(_PER_SECOND * bench.plan.lag_seconds)):
            writes.create_task(send(next(source)), name="add")
            await asyncio.sleep(1 / _PER_SECOND)
    return answers


def lags(answered_at: dict[int, float], sights: Sequence[Sight]) -> list[float]:
    """Give the seconds from each answer until its position was seen to be applied everywhere.

    Pure; sights are in the order of time. What was never seen is left out.
    """
    found = []
    for position, at in answered_at.items():
        index = bisect_left(sights, position, key=lambda sight: sight.position)
        if index < len(sights):
            found.append(max(0.0, sights[index].seen_at - at))
    return found
