"""The command `sweep`: one fault at many moments after the same event, and what each one did."""

import secrets
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from harness.cli.lab_options import options_of, own_lab_options
from harness.cli.run import EXIT_CODES, SEED_BITS, announce, conduct
from harness.cli.runs import store
from harness.errors import UsageError
from harness.report.summary import print_summary
from harness.report.sweep_table import print_sweep
from harness.runner.run import RunSettings
from harness.runner.run_directory import RunDirectory, default_run_directory
from harness.runner.sweep import sweep as sweep_scenario


@click.command(
    epilog="""\b
Examples:
  chroma-chaos sweep
  chroma-chaos sweep --event "response-left primary add" --offsets 0,1,2,5,10,50
  chroma-chaos sweep --fault "kill lb" --event entry-visible --seed 7
"""
)
@click.option("--fault", default="kill primary", show_default=True, help="What is done.")
@click.option(
    "--event",
    default="request-arrived primary add",
    show_default=True,
    help="After what: entry-visible, request-arrived TARGET [WHICH], response-left TARGET [WHICH].",
)
@click.option(
    "--offsets",
    default="0,1,2,5,10,50",
    show_default=True,
    metavar="MS,MS,...",
    help="How many milliseconds after the event, one after another.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.5, 60),
    default=2.0,
    show_default=True,
    help="How long the fault lasts each time.",
)
@click.option("--seed", type=click.IntRange(0), help="Repeat the sweep of that seed.")
@own_lab_options
@click.option(
    "--run-directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the run's files go; by default .runs/<time>-sweep-<seed>.",
)
def sweep(
    fault: str,
    event: str,
    offsets: str,
    seconds: float,
    seed: int | None,
    run_directory: Path | None,
    **of_lab: Any,
) -> None:
    """Inject a fault at chosen times after an event of the protocol, and measure each.

    All in one lab, one after another; the checkers judge the whole. Exit codes are those of `run`.
    """
    seed = secrets.randbits(SEED_BITS) if seed is None else seed
    chosen = sweep_scenario(fault, event, _milliseconds(offsets), seconds, seed)
    path = run_directory or default_run_directory(store().root, "sweep", seed, datetime.now(UTC))
    settings = RunSettings(chosen, seed, RunDirectory(path))
    options, _ = options_of({**of_lab, "needs": chosen.needs})
    console = Console()
    announce(console, settings)
    result = conduct(console, settings, options)
    print_summary(console, result.history, result.verdicts)
    print_sweep(console, result.history)
    words = ["--fault", fault, "--event", event, "--offsets", offsets, "--seconds", f"{seconds:g}"]
    words += ["--seed", str(seed), *options.words]
    again = shlex.join(["chroma-chaos", "sweep", *words])
    console.print(f"again:   {again}\nfiles:   {path}", highlight=False, soft_wrap=True)
    sys.exit(EXIT_CODES[result.outcome])


def _milliseconds(offsets: str) -> list[int]:
    try:
        return [int(offset) for offset in offsets.split(",")]
    except ValueError:
        raise UsageError(
            f"--offsets {offsets!r}: whole milliseconds with commas between, such as 0,1,5"
        ) from None
