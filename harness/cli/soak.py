"""The command `soak`: faults by chance, for long."""

from pathlib import Path
from typing import Any

import click

from harness.cli.lab_options import own_lab_options
from harness.cli.run import run
from harness.cli.workload_options import workload_options
from harness.runner.scenario import RANDOM


@click.command(
    epilog="""\b
Examples:
  chroma-chaos soak --minutes 30 --seed 7
  chroma-chaos soak --minutes 30 --seed 7 --all-faults
  chroma-chaos soak --minutes 600 --run-directory /var/tmp/soak --lb-command "python -m my_lb"
"""
)
@click.option(
    "--minutes",
    type=click.FloatRange(0.1, 1440),
    default=30.0,
    show_default=True,
    help="How long faults by chance go on.",
)
@click.option("--seed", type=click.IntRange(0), help="Repeat the soak of that seed.")
@click.option(
    "--all-faults",
    is_flag=True,
    help="Draw also what takes root, libfaketime or our own load balancer.",
)
@own_lab_options
@click.option(
    "--run-directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the run's files go; by default .runs/<time>-scheduled-<seed>.",
)
@workload_options
@click.pass_context
def soak(context: click.Context, /, minutes: float, **options: Any) -> None:
    """Run the scenario `random` for long, with the exit codes of `run`."""
    context.invoke(run, scenario=RANDOM, seconds=minutes * 60, **options)
