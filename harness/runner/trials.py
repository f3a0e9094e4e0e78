"""Owns the tries of schedules: each is a run of its own, by the command that a person would use."""

import asyncio
import contextlib
import signal
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness.labs.parent_death import dies_with_parent
from harness.model.schedule import Schedule
from harness.model.verdict import Outcome
from harness.runner.run_directory import RunDirectory, write_json
from harness.runner.run_store import RunStore, SavedRun

# What a run that was asked to end needs to heal, to stop its lab and to write its files.
_ENDING_SECONDS = 30.0


@dataclass
class Tally:
    """How often a schedule was tried, and how often it failed as it must."""

    tries: int = 0
    fails: int = 0


@dataclass(frozen=True)
class Trials:
    """Runs schedules again and again, and tells whether all of `checkers` fail.

    `options` are those of the first run. Each run has a directory under `directory`; `note` is told
    of each one what was tried and what came of it.
    """

    directory: Path
    options: tuple[str, ...]
    checkers: frozenset[str]
    repeats: int
    note: Callable[[Schedule, str], None]
    tallies: defaultdict[Schedule, Tally] = field(default_factory=lambda: defaultdict(Tally))

    async def fails(self, schedule: Schedule) -> bool:
        """Try until it fails; a schedule that passes `repeats` times counts as passing."""
        for _ in range(self.repeats):
            if await self._try(schedule):
                return True
        return False

    async def count(self, schedule: Schedule) -> Tally:
        """Try as often as is missing to `repeats`, and give how often it failed of all tries."""
        while self.tallies[schedule].tries < self.repeats:
            await self._try(schedule)
        return self.tallies[schedule]

    async def _try(self, schedule: Schedule) -> bool:
        number = sum(tally.tries for tally in self.tallies.values()) + 1
        file = self.directory / f"{number:03}.schedule.json"
        write_json(file, schedule)
        run = await self._run(file, RunDirectory(self.directory / f"{number:03}"))
        failing = failing_checkers(run) if run else frozenset()
        fails = bool(failing) and self.checkers <= failing
        tally = self.tallies[schedule]
        tally.tries += 1
        tally.fails += fails
        self.note(schedule, _came_of_it(run, failing, fails))
        return fails

    async def _run(self, file: Path, directory: RunDirectory) -> SavedRun | None:
        """Conduct one run in a process of its own; None for one that could not be judged."""
        words = ["run", "--schedule", str(file), "--run-directory", str(directory.path)]
        arguments = [sys.executable, "-m", "harness.cli", *words, *self.options]
        with directory.path.with_suffix(".output.txt").open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *dies_with_parent(),
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
            try:
                await process.wait()
            finally:
                await _end(process)
        if not directory.verdict.is_file():
            return None
        return RunStore(self.directory).find(directory.path.name)


def failing_checkers(run: SavedRun) -> frozenset[str]:
    """Name the checkers that said `fail` when the run ended."""
    verdicts = run.judgement.verdicts if run.judgement else ()
    return frozenset(v.checker for v in verdicts if v.outcome is Outcome.FAIL)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let a run that is still under way heal and stop its lab, as Ctrl-C does."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.wait(), _ENDING_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def _came_of_it(run: SavedRun | None, failing: frozenset[str], fails: bool) -> str:
    if run is None or run.judgement is None:
        return "could not be run: see its output"
    if fails:
        return f"fails: {', '.join(sorted(failing))}"
    if failing:
        return f"fails otherwise: {', '.join(sorted(failing))}"
    return str(run.judgement.outcome)
