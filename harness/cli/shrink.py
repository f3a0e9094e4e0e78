"""The command `shrink`: the smallest schedule with which a saved run still fails as it did."""

import asyncio
import shlex
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from harness.cli.runs import RUN_HELP, store
from harness.errors import UsageError
from harness.model.schedule import Schedule
from harness.runner.client_process import SETUP
from harness.runner.interruption import InterruptedRunError, interruptible
from harness.runner.run_directory import write_json
from harness.runner.run_store import SavedRun
from harness.runner.schedules import read_schedule
from harness.runner.shrink import Shrinker
from harness.runner.trials import Trials, failing_checkers


@click.command(
    epilog=f"""{RUN_HELP}

\b
Examples:
  chroma-chaos shrink last
  chroma-chaos shrink last --checker durability --repeats 5 --budget 60

\b
Exit codes:
  0 something small was found, or as small as the budget let it become
  2 the run does not fail again   130, 143 stopped by Ctrl-C, SIGTERM
"""
)
@click.argument("saved", metavar="RUN")
@click.option(
    "--checker",
    "checkers",
    multiple=True,
    help="It fails when this checker fails; by default all that failed in RUN. May be repeated.",
)
@click.option(
    "--repeats",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="What passes so often counts as passing; so often the smallest is tried at the end.",
)
@click.option(
    "--budget",
    type=click.FloatRange(0.1, 1440),
    default=60.0,
    show_default=True,
    metavar="MINUTES",
    help="When to stop; the smallest that was found until then counts.",
)
@click.option(
    "--run-directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the runs of the tries go; by default .runs/<time>-shrink-<seed>.",
)
def shrink(
    saved: str, checkers: tuple[str, ...], repeats: int, budget: float, run_directory: Path | None
) -> int:
    """Find which faults and which clients of a failed RUN are needed to make it fail.

    It is tried again with fewer faults, then without the time after the last one, then with fewer
    clients, each of which does what it did before; with the seed and the options of RUN.
    """
    root = store()
    run = root.find(saved)
    schedule, clients, options = _what_was_run(run)
    must_fail = _must_fail(run, checkers)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-shrink-{schedule.seed}"
    directory = run_directory or root.root / name
    directory.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()

    def note(tried: Schedule, came_of_it: str) -> None:
        passed = int(time.monotonic() - began)
        click.echo(f"  {passed // 60}:{passed % 60:02}  {_sizes(tried, clients)}: {came_of_it}")

    click.echo(f"{run.name}: {', '.join(sorted(must_fail))} must fail again")
    trials = Trials(directory, options, must_fail, repeats, note)
    shrinker = Shrinker(schedule, clients, trials.fails)
    try:
        asyncio.run(interruptible(_within(budget * 60, shrinker, trials), click.echo))
    except TimeoutError:
        click.echo("the budget is used up")
    except InterruptedRunError as error:
        click.echo(str(error))
        _report(shrinker.smallest, clients, trials)
        return error.exit_code
    return _report(shrinker.smallest, clients, trials)


async def _within(seconds: float, shrinker: Shrinker, trials: Trials) -> None:
    async with asyncio.timeout(seconds):
        if await trials.fails(shrinker.smallest):
            await trials.count(await shrinker.shrink())


def _what_was_run(run: SavedRun) -> tuple[Schedule, tuple[str, ...], tuple[str, ...]]:
    """Read the schedule, the clients and the options; raises `UsageError` without them."""
    options = run.description.get("options")
    if not options or not run.directory.schedule.is_file():
        raise UsageError(
            f"{run.name} does not say how to repeat it, because an older version made it, or not "
            "`chroma-chaos run`: make it again by that, and shrink what it makes"
        )
    schedule = read_schedule(run.directory.schedule)
    history, _ = run.directory.read()
    clients = {operation.process for operation in history.operations} - {SETUP}
    return schedule, tuple(sorted(clients, key=_number)), tuple(options)


def _number(client: str) -> int:
    return int(client.rpartition("-")[2])


def _must_fail(run: SavedRun, wanted: Sequence[str]) -> frozenset[str]:
    failing = failing_checkers(run)
    if not failing:
        raise UsageError(f"{run.name} did not fail, so there is nothing to shrink")
    if others := sorted(set(wanted) - failing):
        raise UsageError(
            f"{', '.join(others)} did not fail in {run.name}; what failed: "
            f"{', '.join(sorted(failing))}"
        )
    return frozenset(wanted) or failing


def _sizes(schedule: Schedule, clients: Sequence[str]) -> str:
    count = len(schedule.clients or clients)
    faults = f"{len(schedule.faults)} fault{'s' * (len(schedule.faults) != 1)}"
    return f"{faults} in {schedule.seconds:g} s, {count} client{'s' * (count != 1)}"


def _report(smallest: Schedule, clients: Sequence[str], trials: Trials) -> int:
    """Print and save the smallest schedule that failed, and give the exit code."""
    tally = trials.tallies[smallest]
    if not tally.fails:
        click.echo(f"it did not fail again in {tally.tries} tries: nothing was shrunk")
        click.echo(f"the tries: {trials.directory}")
        return 2
    file = trials.directory / "smallest.json"
    write_json(file, smallest)
    click.echo(f"the smallest that fails: {_sizes(smallest, clients)}")
    for fault in smallest.faults:
        ends_seconds = fault.at_seconds + fault.seconds
        click.echo(f"  {fault.fault}: {fault.at_seconds:g} to {ends_seconds:g} s")
    click.echo(f"  clients: {', '.join(smallest.clients or clients)}")
    click.echo(f"it failed {tally.fails} of {tally.tries} times")
    command = ["chroma-chaos", "run", "--schedule", str(file), *trials.options]
    click.echo(f"again:   {shlex.join(command)}")
    click.echo(f"files:   {trials.directory}")
    return 0
