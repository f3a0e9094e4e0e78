"""The command `gap`: what clients feel of each kind of failure, and two load balancers compared."""

import secrets
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import click
from click.core import ParameterSource
from rich.console import Console

from harness.checkers.gap_profile import SPANS
from harness.cli.lab_options import options_of, own_lab_options
from harness.cli.run import (
    EXIT_CODES,
    SEED_BITS,
    announce,
    conduct,
    options_that_repeat,
)
from harness.cli.runs import store
from harness.errors import UsageError
from harness.report.gap_plot import draw
from harness.report.gap_table import print_comparison, print_experiment, print_report
from harness.runner.gap import FAILURES, failures_named, gap_scenario, gap_workload
from harness.runner.gap_store import MeasuredGaps, find_gaps, measured_in
from harness.runner.lab_choice import LabOptions
from harness.runner.run import RunSettings
from harness.runner.run_directory import RunDirectory, default_run_directory
from harness.workloads.settings import Addressing

PLOT = "gap.svg"
_ALL_FAILURES = ",".join(FAILURES)
_LEAST_SECONDS = 5.0
_MOST_OPERATIONS_PER_SECOND = 50.0
# How long instances get to agree at the end; the promise is as long.
_REST_SECONDS = 30.0
_WIDTH = 120


@dataclass(frozen=True)
class _Plan:
    """What is measured, at whom, and where the files go."""

    target: str
    kinds: tuple[str, ...]
    seconds: float
    seed: int
    rate: float
    addressing: Addressing
    lab: LabOptions
    directory: Path

    @property
    def command(self) -> str:
        """The command line that measures it again."""
        words = ["--target", self.target, "--kinds", ",".join(self.kinds)]
        words += ["--seconds", f"{self.seconds:g}", "--rate", f"{self.rate:g}"]
        words += ["--addressing", self.addressing, "--seed", str(self.seed)]
        return shlex.join(["chroma-chaos", "gap", *words, *self.lab.words])


@click.command(
    epilog="""\b
Examples:
  chroma-chaos gap
  chroma-chaos gap --kinds kill,pause --seconds 12 --seed 7
  chroma-chaos gap --lab compose --kinds kill
  chroma-chaos gap --lb-command "python -m my_lb" --lb-ready /health
  chroma-chaos gap --saved last
  chroma-chaos gap --compare .runs/20260101T120000-gap-7 .runs/20260101T130000-gap-7

\b
RUN is a directory that `gap` made, its name under .runs, or `last`; or any run with a fault.

\b
Exit codes:
  0 no operation failed, and every checker passed   1 fail
  2 unknown, or could not run   130, 143 stopped by Ctrl-C, SIGTERM
  With --compare 0 when both could be read.
"""
)
@click.option("--target", default="primary", show_default=True, help="Which server fails.")
@click.option(
    "--kinds",
    default=_ALL_FAILURES,
    show_default=True,
    metavar="KIND,KIND,...",
    help="How it fails, each time in a new lab.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(_LEAST_SECONDS, 600),
    default=40.0,
    show_default=True,
    help="How long it fails each time, which is the longest offset.",
)
@click.option(
    "--rate",
    type=click.FloatRange(1, _MOST_OPERATIONS_PER_SECOND),
    default=20.0,
    show_default=True,
    help="Operations per second, in the open loop; a client for each that may wait.",
)
@click.option(
    "--addressing",
    type=click.Choice([addressing.value for addressing in Addressing]),
    default=Addressing.ID.value,
    show_default=True,
    help="How paths name collections; plain Chroma takes only ids.",
)
@click.option("--seed", type=click.IntRange(0), help="Repeat the measurement of that seed.")
@own_lab_options
@click.option(
    "--saved",
    metavar="RUN",
    help="Measure nothing: show a saved RUN again, and write its files anew.",
)
@click.option(
    "--compare",
    nargs=2,
    metavar="RUN RUN",
    help="Measure nothing: lay two saved runs side by side.",
)
@click.option(
    "--run-directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the files go; by default .runs/<time>-gap-<seed>.",
)
@click.pass_context
def gap(
    context: click.Context,
    /,
    saved: str | None,
    compare: tuple[str, str] | None,
    run_directory: Path | None,
    **measuring: Any,
) -> None:
    """Measure what clients feel of a failure, by kind of operation and time since the injection.

    One run for each kind of failure, judged as every run is. The figures are also in gap.json, and
    every operation in gap.svg.
    """
    console = _console()
    if compare is not None:
        _refuse_others(context, "--compare", "--run-directory")
        _compare(console, [find_gaps(store(), word) for word in compare], run_directory)
        return
    if saved is not None:
        _refuse_others(context, "--saved")
        measured = find_gaps(store(), saved)
        for experiment in measured.report.experiments:
            console.print(f"[bold]{experiment.kind}[/bold]", highlight=False)
            print_experiment(console, experiment, SPANS)
        _finish(console, measured)
    plan = _plan(run_directory, **measuring)
    for kind in plan.kinds:
        _measure(console, plan, kind)
    _finish(console, measured_in(plan.directory), plan.command)


def _console() -> Console:
    """Give the tables the width that they need where nobody's terminal says another."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)


def _refuse_others(context: click.Context, option: str, *allowed: str) -> None:
    """Raise `UsageError` for options that would mean nothing beside one that measures nothing."""
    said = (
        parameter.opts[0]
        for parameter in context.command.get_params(context)
        if context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
    )
    if others := [other for other in said if other not in (option, *allowed)]:
        raise UsageError(f"{option} measures nothing: leave out {', '.join(others)}")


def _plan(
    run_directory: Path | None, *, kinds: str, addressing: str, seed: int | None, **others: Any
) -> _Plan:
    seed = secrets.randbits(SEED_BITS) if seed is None else seed
    directory = run_directory or default_run_directory(store().root, "gap", seed, datetime.now(UTC))
    lab, others = options_of(others)
    return _Plan(
        lab=lab,
        kinds=failures_named(kinds),
        addressing=Addressing(addressing),
        seed=seed,
        directory=directory,
        **others,
    )


def _measure(console: Console, plan: _Plan, kind: str) -> None:
    """Do one run, and print and write what it and those before it gave."""
    scenario = gap_scenario(kind, plan.target, plan.seconds, plan.seed)
    workload = gap_workload(plan.rate, plan.addressing)
    options = replace(plan.lab, needs=scenario.needs)
    repeat = options_that_repeat(plan.seed, workload, options)
    directory = RunDirectory(plan.directory / kind)
    settings = RunSettings(scenario, plan.seed, directory, workload, repeat, _REST_SECONDS)
    announce(console, settings)
    conduct(console, settings, options)
    measured = measured_in(plan.directory)
    measured.write()
    (experiment,) = (each for each in measured.report.experiments if each.kind == kind)
    print_experiment(console, experiment, SPANS)


def _finish(console: Console, measured: MeasuredGaps, command: str = "") -> NoReturn:
    """Print the table of all kinds, write the files, and end with the exit code."""
    print_report(console, measured.report)
    measured.write()
    _plot([measured], measured.directory / PLOT)
    if command:
        console.print(f"again:   {command}", highlight=False, soft_wrap=True)
    console.print(f"files:   {measured.directory}", highlight=False, soft_wrap=True)
    sys.exit(EXIT_CODES[measured.outcome])


def _compare(console: Console, both: Sequence[MeasuredGaps], run_directory: Path | None) -> None:
    directory = run_directory or store().root / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-compared"
    RunDirectory(directory).create()
    print_comparison(console, [measured.report for measured in both])
    _plot(both, directory / PLOT)
    console.print(f"files:   {directory}", highlight=False, soft_wrap=True)


def _plot(measured: Sequence[MeasuredGaps], path: Path) -> None:
    draw([(each.report, each.points) for each in measured], path)
