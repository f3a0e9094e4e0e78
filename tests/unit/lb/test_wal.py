"""Which commits the log makes: what is due soon shares one with the next write."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from lb.database import Database
from lb.leader import Lead
from lb.model import Advance, Progress
from lb.wal import Wal
from tests.unit.lb.stand_ins import LANE, an_entry, until


class StandInConnection:
    """In place of PostgreSQL: takes down what each commit writes, and commits when it is let."""

    def __init__(self) -> None:
        self.commits: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._statements: list[str] = []
        self.meanwhile: list[Callable[[], None]] = []
        """What happens, one after the other, while the next statement is under way."""

    def transaction(self) -> "StandInConnection":
        return self

    async def start(self) -> None:
        self._statements = []

    async def execute(self, statement: str, *_: Any) -> str:
        while self.meanwhile:
            self.meanwhile.pop(0)()
            await asyncio.sleep(0)
        # One that notes outcomes and moves cursors goes by the cursors, as it ends with them.
        tables = re.findall(r"(?m)^ *(?:copy into|insert into|update) (\w+)", statement)
        self._statements.append(tables[-1])
        return ""

    async def copy_records_to_table(self, table: str, **_: Any) -> str:
        return await self.execute(f"copy into {table}")

    async def commit(self) -> None:
        await self.gate.wait()
        self.commits.append(self._statements)

    def add_termination_listener(self, _: Any) -> None: ...


class Bench:
    def __init__(self) -> None:
        clock = asyncio.get_running_loop().time
        database = Database.at("postgresql://nobody@127.0.0.1:1/none", 1.0)
        self.connection = StandInConnection()
        self.wal = Wal(database, Lead(clock, 60.0), clock)
        self.wal.adopt(self.connection, 1, 0)
        self.running = asyncio.create_task(self.wal.run())
        self.delivered: list[int] = []

    def submit(self) -> None:
        entry = an_entry(0)
        self.wal.submit(entry, lambda: self.delivered.append(entry.position), lambda: None)

    def note_soon(self) -> "asyncio.Task[None]":
        advance = Advance(LANE, "primary", 1)
        return asyncio.create_task(self.wal.record_soon(Progress(advance=advance)))


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr("lb.wal_queue.SOON_SECONDS", 30.0)
    bench = Bench()
    yield bench
    bench.running.cancel()


async def test_what_is_due_soon_shares_the_commit_of_the_next_write(bench: Bench) -> None:
    noted = bench.note_soon()
    await asyncio.sleep(0)
    assert bench.connection.commits == []

    bench.submit()

    await until(noted.done, "it is durable")
    assert bench.delivered == [1]
    assert bench.connection.commits == [["cursors", "wal"]]


async def test_what_is_due_soon_is_committed_when_no_write_comes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lb.wal_queue.SOON_SECONDS", 0.001)
    noted = bench.note_soon()

    await until(noted.done, "it is durable")
    assert bench.connection.commits == [["cursors"]]


async def test_what_is_noted_while_a_write_is_committed_follows_at_once(bench: Bench) -> None:
    """The write may be the next of a lane that waits for what was noted."""
    bench.connection.gate.clear()
    bench.submit()
    await until(lambda: bench.wal.waiting == 0, "the write is being committed")
    noted = bench.note_soon()
    await asyncio.sleep(0)

    bench.connection.gate.set()

    await until(noted.done, "it is durable")
    assert bench.connection.commits == [["wal"], ["cursors"]]


async def test_an_entry_never_overtakes_what_was_noted_before_it(bench: Bench) -> None:
    """Both come while older progress is written; the note may hold an older state of a row."""
    notes: list[asyncio.Task[None]] = []

    def come() -> None:
        older = Progress(advance=Advance(LANE, "replica", 1))
        notes.append(asyncio.create_task(bench.wal.record(older)))

    bench.connection.meanwhile = [come, bench.submit]
    first = asyncio.create_task(bench.wal.record(Progress(advance=Advance(LANE, "primary", 1))))

    await until(lambda: first.done() and bench.delivered == [1], "all are durable")
    assert bench.connection.commits == [["cursors", "cursors", "wal"]]
    assert notes[0].done()


async def test_an_end_does_not_wait_for_what_is_due_soon(bench: Bench) -> None:
    noted = bench.note_soon()
    await asyncio.sleep(0)

    bench.wal.close()
    await asyncio.wait_for(bench.wal.drained(), 20)

    assert noted.done()
    await bench.running
