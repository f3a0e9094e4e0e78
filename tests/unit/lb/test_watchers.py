import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from lb.errors import TooManyWatchersError
from lb.watchers import HEARTBEAT, TICK_SECONDS, Watchers
from tests.unit.lb.stand_ins import until


class Bench:
    """Watchers at work, over snapshots that are numbers."""

    def __init__(self) -> None:
        self.made = 0
        self.fails = False
        self.watchers = Watchers(self._snapshot, most=3, patience_seconds=0.2)

    def _snapshot(self) -> bytes:
        if self.fails:
            raise ZeroDivisionError
        self.made += 1
        return str(self.made).encode()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[list[bytes]]:
        """Watch inside; yields what came."""
        events: list[bytes] = []

        async def write(event: bytes) -> None:
            events.append(event)

        async def watch() -> None:
            with self.watchers.place():
                await self.watchers.stream(write)

        task = asyncio.create_task(watch(), name="a watcher")
        try:
            yield events
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    task = asyncio.create_task(bench.watchers.run(), name="watchers")
    yield bench
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.alone
async def test_a_watcher_gets_a_snapshot_at_once_and_then_one_every_second(bench: Bench) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with bench.watching() as events:
        await until(lambda: len(events) == 1, "a snapshot")
        assert loop.time() - began < TICK_SECONDS / 2
        await until(lambda: len(events) == 2, "the next one")
        assert loop.time() - began > TICK_SECONDS / 2
    assert events == [b"data: 1\n\n", b"data: 2\n\n"]


@pytest.mark.alone
async def test_a_change_is_told_within_a_tenth_of_a_second(bench: Bench) -> None:
    loop = asyncio.get_running_loop()
    async with bench.watching() as events:
        await until(lambda: events, "the first snapshot")
        changed_at = loop.time()
        bench.watchers.wake()
        await until(lambda: len(events) == 2, "the change")
        assert loop.time() - changed_at < 0.1


async def test_many_changes_in_a_row_are_one_snapshot(bench: Bench) -> None:
    async with bench.watching() as events:
        await until(lambda: events, "the first snapshot")
        for _ in range(100):
            bench.watchers.wake()
        await until(lambda: len(events) == 2, "the changes")
    assert bench.made == 2


async def test_no_snapshot_is_made_while_nobody_watches(bench: Bench) -> None:
    for _ in range(5):
        bench.watchers.wake()
        await asyncio.sleep(0)
    assert bench.made == 0
    async with bench.watching() as events:
        await until(lambda: events, "the first snapshot")
    made = bench.made
    bench.watchers.wake()
    async with bench.watching() as events:
        await until(lambda: events, "the next one to come")
    assert bench.made == made + 1


async def test_all_who_watch_share_a_snapshot(bench: Bench) -> None:
    async with bench.watching() as first, bench.watching() as second:
        await until(lambda: first and second, "both have one")
        made = bench.made
        bench.watchers.wake()
        await until(lambda: first[-1] == second[-1] == b"data: %d\n\n" % (made + 1), "both again")


async def test_one_too_many_is_refused_and_may_come_when_another_has_gone(bench: Bench) -> None:
    with bench.watchers.place(), bench.watchers.place():
        with bench.watchers.place(), pytest.raises(TooManyWatchersError), bench.watchers.place():
            pass
        with bench.watchers.place():
            pass


async def test_one_who_does_not_read_is_dropped_and_others_go_on(bench: Bench) -> None:
    async def never(_: bytes) -> None:
        await asyncio.Event().wait()

    async with bench.watching() as events:
        with bench.watchers.place(), pytest.raises(TimeoutError):
            await bench.watchers.stream(never)
        seen = len(events)
        bench.watchers.wake()
        await until(lambda: len(events) > seen, "the other one gets more")


async def test_the_end_ends_every_stream_at_once_even_one_who_does_not_read(
    bench: Bench,
) -> None:
    bench.watchers = Watchers(lambda: b"1", patience_seconds=60)
    task = asyncio.create_task(bench.watchers.run(), name="patient watchers")
    writing = asyncio.Event()

    async def never(_: bytes) -> None:
        writing.set()
        await asyncio.Event().wait()

    async def read(_: bytes) -> None:
        return

    async def watch(write: object) -> None:
        with bench.watchers.place():
            await bench.watchers.stream(write)

    streams = [asyncio.create_task(watch(each), name="a stream") for each in (never, read)]
    await writing.wait()
    bench.watchers.close()
    async with asyncio.timeout(20):
        stuck, well = await asyncio.gather(*streams, return_exceptions=True)
    assert isinstance(stuck, TimeoutError)
    assert well is None
    with pytest.raises(TooManyWatchersError), bench.watchers.place():
        pass
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_snapshot_that_cannot_be_made_ends_nothing(bench: Bench) -> None:
    bench.fails = True
    async with bench.watching() as events:
        await until(lambda: events, "a sign of life")
        bench.fails = False
        bench.watchers.wake()
        await until(lambda: len(events) == 2, "a snapshot after all")
    assert events == [HEARTBEAT, b"data: 1\n\n"]
