"""The command `gap`: what clients feel of each kind of failure, and two load balancers compared."""

import secrets
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from harness.checkers.gap_profile import SPANS, gap_points
from harness.cli.run import (
    EXIT_CODES,
    SEED_BITS,
    LabOptions,
    announce,
    conduct,
    options_that_repeat,
)
from harness.cli.runs import store
from harness.errors import RunDirectoryError
from harness.model.gap import GapExperiment, GapPoint, GapReport
from harness.report.gap_plot import Panels, draw
from harness.report.gap_table import print_comparison, print_experiment, print_report
from harness.runner.gap import FAILURES, failures_named, gap_scenario, gap_workload
from harness.runner.gap_store import MeasuredGaps, experiment_of, find_gaps, write_report
from harness.runner.run import RunSettings
from harness.runner.run_directory import RunDirectory, default_run_directory
from harness.workloads.settings import Addressing

PLOT = "gap.svg"
_ALL_FAILURES = ",".join(FAILURES)
_LEAST_SECONDS = 5.0
_MOST_OPERATIONS_PER_SECOND = 50.0


@dataclass(frozen=True)
class _Plan:
    """What is measured, at whom, and where the files go."""

    target: str
    kinds: tuple[str, ...]
    seconds: float
    seed: int
    rate: float
    addressing: Addressing
    lb_command: str | None
    lb_ready: str | None
    directory: Path

    @property
    def command(self) -> str:
        """The command line that measures it again."""
        words = ["--target", self.target, "--kinds", ",".join(self.kinds)]
        words += ["--seconds", f"{self.seconds:g}", "--rate", f"{self.rate:g}"]
        words += ["--addressing", self.addressing, "--seed", str(self.seed)]
        for option, value in (("--lb-command", self.lb_command), ("--lb-ready", self.lb_ready)):
            words += [option, value] if value else []
        return shlex.join(["chroma-chaos", "gap", *words])


@click.command(
    epilog="""\b
Examples:
  chroma-chaos gap
  chroma-chaos gap --kinds kill,pause --seconds 12 --seed 7
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
    default=16.0,
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
@click.option("--lb-command", help="Start this load balancer instead of our own.")
@click.option("--lb-ready", metavar="PATH", help="A path that answers 200 when it is ready.")
@click.option("--saved", metavar="RUN", help="Measure nothing: show a saved RUN again.")
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
def gap(
    target: str,
    kinds: str,
    seconds: float,
    rate: float,
    addressing: str,
    seed: int | None,
    lb_command: str | None,
    lb_ready: str | None,
    saved: str | None,
    compare: tuple[str, str] | None,
    run_directory: Path | None,
) -> None:
    """Measure what clients feel of a failure, by kind of operation and time since the injection.

    One run for each kind of failure, judged as every run is. The tables are also in gap.json, and
    every operation in gap.svg.
    """
    console = Console()
    now = datetime.now(UTC)
    if compare is not None:
        both = [find_gaps(store(), word) for word in compare]
        directory = run_directory or store().root / f"{now:%Y%m%dT%H%M%S}-gap-compared"
        _compare(console, both, directory)
        return
    if saved is not None:
        measured = find_gaps(store(), saved)
        _show(console, measured)
        sys.exit(EXIT_CODES[measured.outcome])
    seed = secrets.randbits(SEED_BITS) if seed is None else seed
    directory = run_directory or default_run_directory(store().root, "gap", seed, now)
    wanted = failures_named(kinds)
    plan = _Plan(
        target, wanted, seconds, seed, rate, Addressing(addressing), lb_command, lb_ready, directory
    )
    measured = _measure(console, plan)
    print_report(console, measured.report)
    _plot([measured], directory / PLOT)
    console.print(f"again:   {plan.command}", highlight=False, soft_wrap=True)
    console.print(f"files:   {directory}", highlight=False, soft_wrap=True)
    sys.exit(EXIT_CODES[measured.outcome])


def _measure(console: Console, plan: _Plan) -> MeasuredGaps:
    """Do one kind after another; what was measured is written as soon as it is."""
    experiments: list[GapExperiment] = []
    points: dict[str, Sequence[GapPoint]] = {}
    for kind in plan.kinds:
        experiment, of_kind = _measure_kind(console, plan, kind)
        print_experiment(console, experiment, SPANS)
        experiments.append(experiment)
        points[kind] = of_kind
        report = GapReport(
            name=plan.directory.name, command=plan.command, experiments=tuple(experiments)
        )
        write_report(plan.directory, report)
    return MeasuredGaps(report, points)


def _measure_kind(
    console: Console, plan: _Plan, kind: str
) -> tuple[GapExperiment, Sequence[GapPoint]]:
    scenario = gap_scenario(kind, plan.target, plan.seconds, plan.seed)
    workload = gap_workload(plan.rate, plan.addressing)
    options = LabOptions("processes", plan.lb_command, plan.lb_ready, scenario.needs)
    repeat = options_that_repeat(plan.seed, workload, options)
    directory = RunDirectory(plan.directory / kind)
    settings = RunSettings(scenario, plan.seed, directory, workload, repeat, rest_seconds=30.0)
    announce(console, settings)
    result = conduct(console, settings, options)
    experiment = experiment_of(kind, result.history, result.verdicts)
    if experiment is None:
        raise RunDirectoryError(f"in {directory.path} the failure was not injected: see its logs")
    return experiment, gap_points(result.history)


def _show(console: Console, measured: MeasuredGaps) -> None:
    for experiment in measured.report.experiments:
        faults = ", ".join(experiment.profile.faults)
        console.print(f"{experiment.kind}: {faults}", highlight=False, soft_wrap=True)
        print_experiment(console, experiment, SPANS)
    print_report(console, measured.report)


def _compare(console: Console, both: Sequence[MeasuredGaps], directory: Path) -> None:
    RunDirectory(directory).create()
    print_comparison(console, [measured.report for measured in both])
    _plot(both, directory / PLOT)
    console.print(f"files:   {directory}", highlight=False, soft_wrap=True)


def _plot(measured: Sequence[MeasuredGaps], path: Path) -> None:
    columns: dict[str, Panels] = {
        each.report.name: {e.kind: (e, each.points[e.kind]) for e in each.report.experiments}
        for each in measured
    }
    draw(columns, path)
