import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from lb.hedging import with_backup
from tests.unit.lb.stand_ins import until


class Bench:
    """A first thing and a backup that end when the test says so, and what became of them."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.first: asyncio.Future[str] = loop.create_future()
        self.backup: asyncio.Future[str] = loop.create_future()
        self.of_first: asyncio.Future[str] | None = None
        self.ended: list[str] = []
        self.when_the_backup_ends: Callable[[], object] = lambda: None
        self.before = asyncio.all_tasks()

    async def _first(self) -> str:
        try:
            return await self.first
        finally:
            self.ended.append("first")

    def _backup(self, of_first: asyncio.Future[str]) -> Coroutine[Any, Any, str]:
        self.of_first = of_first
        return self._back_up()

    async def _back_up(self) -> str:
        try:
            return await self.backup
        finally:
            self.ended.append("backup")
            self.when_the_backup_ends()

    def begin(self, delay_seconds: float = 0.0) -> asyncio.Task[str]:
        return asyncio.create_task(with_backup(self._first(), delay_seconds, self._backup))

    async def begin_both(self) -> asyncio.Task[str]:
        asking = self.begin()
        await until(lambda: self.of_first is not None, "the backup has begun")
        await asyncio.sleep(0)
        return asking

    def leaves_nothing(self) -> bool:
        return asyncio.all_tasks() == self.before


async def test_what_comes_in_time_is_returned_and_nothing_else_begins() -> None:
    bench = Bench()
    bench.first.set_result("first")

    assert await bench.begin(0.01) == "first"

    await asyncio.sleep(0.02)
    assert (bench.of_first, bench.ended) == (None, ["first"])


async def test_an_error_in_time_is_raised() -> None:
    bench = Bench()
    bench.first.set_exception(ValueError("no"))

    with pytest.raises(ValueError, match="no"):
        await bench.begin(60.0)


async def test_a_backup_that_ends_first_cancels_the_first() -> None:
    bench = Bench()
    asking = await bench.begin_both()

    bench.backup.set_result("backup")

    assert await asking == "backup"
    assert (bench.ended, asking.cancelling()) == (["backup", "first"], 0)


async def test_the_error_of_a_backup_that_ends_first_is_raised() -> None:
    bench = Bench()
    asking = await bench.begin_both()

    bench.backup.set_exception(ValueError("no"))

    with pytest.raises(ValueError, match="no"):
        await asking
    assert bench.ended == ["backup", "first"]


@pytest.mark.parametrize("fails", [False, True])
async def test_the_backup_is_told_how_the_first_ends_and_decides(fails: bool) -> None:
    bench = Bench()
    asking = await bench.begin_both()
    assert bench.of_first is not None

    if fails:
        bench.first.set_exception(ValueError("no"))
        with pytest.raises(ValueError, match="no"):
            await bench.of_first
    else:
        bench.first.set_result("first")
        assert await bench.of_first == "first"
    assert not asking.done()
    bench.backup.set_result("decided")

    assert await asking == "decided"
    assert bench.leaves_nothing()


async def test_when_both_end_at_once_the_backup_has_decided() -> None:
    bench = Bench()
    asking = await bench.begin_both()

    bench.backup.set_result("backup")
    bench.first.set_result("first")

    assert await asking == "backup"
    assert (asking.cancelling(), bench.leaves_nothing()) == (0, True)


@pytest.mark.parametrize("ended", [[], ["first"]])
async def test_who_is_cancelled_leaves_nothing_behind(ended: list[str]) -> None:
    bench = Bench()
    asking = await bench.begin_both()
    if ended:
        bench.first.set_result("first")
        await until(lambda: bench.ended == ended, "the first has ended")

    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking
    assert sorted(bench.ended) == ["backup", "first"]
    assert bench.leaves_nothing()


async def test_who_is_cancelled_just_as_the_backup_ends_is_cancelled() -> None:
    bench = Bench()
    asking = await bench.begin_both()

    bench.when_the_backup_ends = asking.cancel
    bench.backup.set_result("backup")

    with pytest.raises(asyncio.CancelledError):
        await asking
    assert bench.leaves_nothing()


async def test_a_time_limit_around_both_ends_both() -> None:
    bench = Bench()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await with_backup(bench._first(), 0.0, bench._backup)

    assert sorted(bench.ended) == ["backup", "first"]
    assert bench.leaves_nothing()
