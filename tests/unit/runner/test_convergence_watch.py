"""When instances are taken to have converged, while clients elsewhere go on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest

from harness.client.instance_reader import InstanceReader
from harness.model.history import CONVERGED, HistoryWriter
from harness.model.operation import Kind
from harness.runner import convergence_watch
from harness.runner.convergence_watch import ConvergenceWatch
from tests.unit.checkers.histories import COLLECTION, DOCUMENT, NEW, OLD, history, operation


@dataclass
class StandInReader:
    """Shows what it is told, and does something after each look."""

    shows: str
    then: Callable[[], None] = field(default=lambda: None)

    async def tokens(self) -> dict[tuple[str, str], str]:
        self.then()
        return {(COLLECTION, DOCUMENT): self.shows}


async def converged(tmp_path: Path, later: Any, shows: str, known_after: int) -> int | None:
    """Watch from 100 on, a look every 10; what is `later` becomes known after so many looks."""
    at_rest, looks, clock = asyncio.Event(), count(1), count(100, 10)
    with HistoryWriter(tmp_path / "history.jsonl", history().header) as log:
        log.append(operation(Kind.UPSERT, 1, 2, tokens=[OLD]))

        def learn() -> None:
            look = next(looks)
            if look == known_after:
                log.append(later)
            if look == known_after + 2:
                at_rest.set()

        reader = cast("InstanceReader", StandInReader(shows, learn))
        watch = ConvergenceWatch(log, (reader,), (), lambda: next(clock), 5.0, at_rest)
        await watch.watch(0)
        milestone = log.history.milestone(CONVERGED, "0")
        return milestone.at_ns if milestone else None


async def test_a_look_that_shows_what_was_acknowledged_has_converged(tmp_path: Path) -> None:
    unrelated = operation(Kind.UPSERT, 105, 106, tokens=["g/0@new"])
    assert await converged(tmp_path, unrelated, OLD, known_after=1) == 100


async def test_what_was_under_way_at_a_look_explains_it_when_it_is_known(tmp_path: Path) -> None:
    under_way = operation(Kind.UPSERT, 95, 125, tokens=[NEW])
    assert await converged(tmp_path, under_way, NEW, known_after=3) == 100


async def test_what_began_after_a_look_explains_only_later_ones(tmp_path: Path) -> None:
    later = operation(Kind.UPSERT, 105, 125, tokens=[NEW])
    assert await converged(tmp_path, later, NEW, known_after=3) == 110


@pytest.mark.parametrize("shows", [NEW, ""])
async def test_what_nobody_wrote_is_never_explained(tmp_path: Path, shows: str) -> None:
    unrelated = operation(Kind.UPSERT, 95, 106, tokens=["g/0@new"])
    assert await converged(tmp_path, unrelated, shows, known_after=1) is None


class SlowReader:
    """Takes its time for each look, as one does that reads whole instances."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.looks = 0

    async def tokens(self) -> dict[tuple[str, str], str]:
        self.looks += 1
        await asyncio.sleep(self.seconds)
        return {(COLLECTION, DOCUMENT): ""}


async def test_most_of_the_time_nothing_is_read_so_that_instances_can_catch_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convergence_watch, "_INTERVAL_SECONDS", 0.0)
    slow, at_rest = SlowReader(0.02), asyncio.Event()
    with HistoryWriter(tmp_path / "history.jsonl", history().header) as log:
        log.append(operation(Kind.UPSERT, 1, 2, tokens=[OLD]))
        reader = cast("InstanceReader", slow)
        await ConvergenceWatch(log, (reader,), (), lambda: 100, 0.4, at_rest).watch(0)

    reading_share = slow.looks * slow.seconds / 0.4
    assert 0 < reading_share <= 0.3
