"""The commands `run` and `judge`: what a run proves, live progress, summary and exit code."""

import asyncio
import secrets
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from harness.checkers.judge import judge as judge_run
from harness.cli.lab_options import lab_options, options_of
from harness.cli.runs import RUN_HELP, store
from harness.cli.workload_options import (
    WORKLOADS_HELP,
    settings_of,
    words_of,
    workload_options,
)
from harness.errors import UsageError
from harness.model.schedule import Schedule
from harness.model.verdict import Outcome, combine
from harness.report.progress import ConsoleProgress
from harness.report.summary import print_summary
from harness.runner.composition import composed
from harness.runner.draw import draw_for
from harness.runner.interruption import InterruptedRunError, interruptible
from harness.runner.lab_choice import LabOptions, make_lab
from harness.runner.run import RunResult, RunSettings
from harness.runner.run_directory import RunDirectory, default_run_directory, verdict_file
from harness.runner.scenario import RANDOM, Scenario, scheduled
from harness.runner.scenarios.registry import scenario_named
from harness.runner.schedules import (
    CHANCES,
    OF_A_PREPARED_LAB,
    Chance,
    random_schedule,
    read_schedule,
)
from harness.runner.session import run_in_lab
from harness.workloads.settings import WorkloadSettings

EXIT_CODES = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.UNKNOWN: 2}
SEED_BITS = 31


@click.command(
    epilog=f"""{WORKLOADS_HELP}

\b
Examples:
  chroma-chaos run primary-down
  chroma-chaos run primary-down --seed 7
  chroma-chaos run primary-down --workload register --loop closed --clients 8
  chroma-chaos run normal --lb-command "python -m my_lb" --lb-ready /health
  chroma-chaos run primary-down --lab compose
  chroma-chaos run normal --lab compose --lb-image registry.example.com/my-lb:3 --lb-ready /health
  chroma-chaos run primary-forced-down --lb-url https://lb.example.com \\
    --primary-url https://chroma-1.example.com --replica-url https://chroma-2.example.com
  chroma-chaos run random --seed 7 --seconds 60
  chroma-chaos run --fault "kill primary at 2 for 5" --fault "latency postgres 500" --seconds 20
  chroma-chaos run --fault "pause replica for 1 every 3" --seconds 30
  chroma-chaos run --schedule .runs/20260101T120000-scheduled-7/schedule.json --seed 7

\b
Exit codes:
  0 pass   1 fail   2 unknown, or could not run   130, 143 stopped by Ctrl-C, SIGTERM
"""
)
@click.argument("scenario", required=False)
@click.option(
    "--schedule",
    "schedule_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Disturb as this file says, which each run writes; instead of SCENARIO.",
)
@click.option(
    "--fault",
    "faults",
    metavar="WORDS",
    multiple=True,
    help="Disturb by this fault, `at` a second, `for` seconds, `every` so many seconds and so many "
    "`times`; may be repeated; instead of SCENARIO.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(5, 86_400),
    default=60.0,
    show_default=True,
    help="How long `random`, or what --fault says, disturbs.",
)
@click.option(
    "--all-faults",
    is_flag=True,
    help="Let `random` draw also what takes root, libfaketime or our own load balancer.",
)
@click.option("--seed", type=click.IntRange(0), help="Repeat the run of that seed.")
@lab_options
@workload_options
@click.option(
    "--run-directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the run's files go; by default .runs/<time>-<scenario>-<seed>.",
)
@click.option("--keep/--no-keep", default=True, help="Keep the files of a run that passed.")
def run(
    scenario: str | None,
    schedule_file: Path | None,
    faults: tuple[str, ...],
    seconds: float,
    all_faults: bool,
    seed: int | None,
    run_directory: Path | None,
    keep: bool,
    **lab_and_workload: Any,
) -> None:
    """Break a lab as SCENARIO says, and prove or refute what it promises.

    SCENARIO is one of those of the use cases, or `random`: faults by chance, from the seed.
    """
    options, workload = options_of(lab_and_workload)
    clients_do = settings_of(workload)
    seed = secrets.randbits(SEED_BITS) if seed is None else seed
    composition = composed(faults, seed, seconds) if faults else None
    console = Console()

    def by_chance() -> Schedule:
        chances = OF_A_PREPARED_LAB if all_faults else CHANCES
        return random_schedule(seed, seconds, _possible(console, options, chances))

    chosen = _choose(scenario, schedule_file, composition, by_chance)
    root = store().root
    path = run_directory or default_run_directory(root, chosen.name, seed, datetime.now(UTC))
    options = replace(options, needs=chosen.needs, lb_environment=chosen.lb_environment)
    repeat = options_that_repeat(seed, clients_do, options)
    settings = RunSettings(chosen, seed, RunDirectory(path), clients_do, repeat)
    announce(console, settings)
    result = conduct(console, settings, options)
    print_summary(console, result.history, result.verdicts)
    console.print(f"again:   {settings.command}", highlight=False, soft_wrap=True)
    if result.outcome is Outcome.PASS and not keep:
        shutil.rmtree(path)
    else:
        console.print(f"files:   {path}", highlight=False, soft_wrap=True)
        console.print(f"report:  {settings.directory.report}", highlight=False, soft_wrap=True)
    sys.exit(EXIT_CODES[result.outcome])


@click.command(epilog=f"{RUN_HELP}\n\nExample:\n\n  chroma-chaos judge last")
@click.argument("saved", metavar="RUN")
def judge(saved: str) -> None:
    """Judge a saved RUN again, from its files alone, with the exit codes of `run`."""
    directory = store().find(saved).directory
    history, finals = directory.read()
    verdicts = judge_run(history, finals)
    console = Console()
    print_summary(console, history, verdicts)
    if directory.verdict.is_file():
        is_same = directory.verdict.read_bytes() == verdict_file(history, verdicts)
        console.print(f"{directory.verdict.name}: {'the same' if is_same else 'it differs'}")
    sys.exit(EXIT_CODES[combine(verdicts)])


def _choose(
    scenario: str | None,
    schedule_file: Path | None,
    composition: Schedule | None,
    by_chance: Callable[[], Schedule],
) -> Scenario:
    if [scenario, schedule_file, composition].count(None) != 2:
        raise UsageError(
            "name one thing to do, not both: a SCENARIO, a file by --schedule, or faults by --fault"
        )
    if schedule_file is not None:
        return scheduled(read_schedule(schedule_file))
    if scenario is None:
        assert composition is not None
        return scheduled(composition)
    if scenario == RANDOM:
        return scheduled(by_chance())
    return scenario_named(scenario)


def _possible(
    console: Console, options: LabOptions, chances: Mapping[str, Chance]
) -> Mapping[str, Chance]:
    """Say which faults the lab cannot do, and give the others."""
    draw = draw_for(chances, lambda needs: make_lab(replace(options, needs=needs), Path()))
    if draw.left_out:
        console.print(f"Left out: {draw}", highlight=False, soft_wrap=True)
    return draw.chances


def announce(console: Console, settings: RunSettings) -> None:
    """Print what is to be proven."""
    scenario = settings.scenario
    title = (
        f"{scenario.use_case}: scenario {scenario.name}, workload {settings.workload.name}, "
        f"seed {settings.seed}"
    )
    console.print(title, highlight=False)
    console.print(f"To prove: {scenario.promise}", highlight=False, soft_wrap=True)


def conduct(console: Console, settings: RunSettings, options: LabOptions) -> RunResult:
    """Run it; a signal ends it after the fault is healed and the lab is stopped."""
    # A lab that lacks a part says so here, before a directory is made for nothing.
    lab = make_lab(options, settings.directory.path)
    settings.directory.create()
    with ConsoleProgress(console, settings.scenario.plan) as progress:
        session = run_in_lab(settings, lab, progress, options.configuration)
        try:
            return asyncio.run(interruptible(session, progress.event))
        except InterruptedRunError as error:
            console.print(f"{error}; the run's files: {settings.directory.path}", soft_wrap=True)
            sys.exit(error.exit_code)


def options_that_repeat(
    seed: int, workload: WorkloadSettings, options: LabOptions
) -> tuple[str, ...]:
    """Say in words what repeats a run, but for what is done in it and where its files go."""
    return ("--seed", str(seed), *words_of(workload), *options.words)
