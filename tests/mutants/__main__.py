"""The command behind `make mutants`: is every mutant caught, and the real one never accused?"""

import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from harness.runner.interruption import InterruptedRunError, interruptible
from harness.runner.run_store import RunStore
from harness.store.kill_matrix import REPORT
from tests.mutants.campaign import Campaign
from tests.mutants.matrix import Fate, Finding, matrix_file, matrix_lines
from tests.mutants.registry import Mutant
from tests.mutants.trial_run import TrialResult
from tests.mutants.zoo import ZOO


@click.command(
    epilog="""\b
Exit codes:
  0   every mutant was caught by the checkers that name it, and the unmodified
      load balancer passed all its runs
  1   something else
  130 stopped by Ctrl-C; no server is left
"""
)
@click.option("--only", multiple=True, metavar="NAME", help="Try this mutant; may be repeated.")
@click.option("--seeds", default=20, show_default=True, help="Runs of the unmodified one.")
@click.option("--parallel", default=2, show_default=True, help="Runs at a time.")
@click.option("--attempts", default=3, show_default=True, help="Seeds that each mutant gets.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the files go; by default .runs/<time>-mutants.",
)
def main(
    only: tuple[str, ...], seeds: int, parallel: int, attempts: int, directory: Path | None
) -> None:
    """Try every mutant of the zoo, print the kill matrix, and try the unmodified load balancer."""
    mutants = _chosen(only)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-mutants"
    directory = (directory or RunStore.from_environment().root / name).resolve()
    campaign = Campaign(directory, click.echo, parallel, attempts)
    began = time.monotonic()
    try:
        findings, controls = asyncio.run(
            interruptible(_all(campaign, mutants, 0 if only else seeds), click.echo)
        )
    except InterruptedRunError as error:
        click.echo(f"{error}; the runs' files: {directory}", err=True)
        sys.exit(error.exit_code)
    _report(directory, findings, controls, time.monotonic() - began)
    caught = all(finding.fate is Fate.CAUGHT for finding in findings)
    sys.exit(0 if caught and all(run.is_clean for run in controls) else 1)


async def _all(
    campaign: Campaign, mutants: list[Mutant], seeds: int
) -> tuple[list[Finding], list[TrialResult]]:
    return await campaign.try_mutants(mutants), await campaign.try_unmodified(seeds)


def _chosen(only: tuple[str, ...]) -> list[Mutant]:
    unknown = sorted(set(only) - ZOO.keys())
    if unknown:
        raise click.UsageError(f"no mutant {', '.join(unknown)}; there are {', '.join(ZOO)}")
    return [ZOO[name] for name in only] or list(ZOO.values())


def _report(
    directory: Path, findings: list[Finding], controls: list[TrialResult], seconds: float
) -> None:
    click.echo("\nkill matrix (X: named and found, x: found as well, !: named and not found)\n")
    for line in matrix_lines(findings):
        click.echo(line)
    caught = sum(finding.fate is Fate.CAUGHT for finding in findings)
    clean = sum(run.is_clean for run in controls)
    click.echo(f"\n{caught} of {len(findings)} mutants caught by the checkers that name them")
    click.echo(f"{clean} of {len(controls)} runs of the unmodified load balancer passed")
    for run in controls:
        if not run.is_clean:
            click.echo(f"  {run.trial}, seed {run.seed}: {run.error or run.reasons}")
    (directory / REPORT).write_bytes(matrix_file(findings, controls, seconds))
    click.echo(f"{seconds:.0f} s; files: {directory}")


if __name__ == "__main__":
    main()
