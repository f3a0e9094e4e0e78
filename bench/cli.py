"""The command `python -m bench`: measures, compares with the last commit, writes, and says so."""

import sys
import tempfile
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
import uvloop
from rich.console import Console

from bench import curves, machine, plots, results, table
from bench.cases.registry import CASES, Case
from bench.data_place import kind_of
from bench.figure import Figure
from bench.plan import CURVES, QUICK, WHOLE, Bench, Plan
from bench.profile import profile
from harness.errors import HarnessError
from harness.runner.interruption import InterruptedRunError, interruptible

_MISSED, _COULD_NOT_RUN, _INTERRUPTED = 1, 2, 130
_IMAGES = results.DIRECTORY.parent / "docs" / "img" / "performance"
_NAMES = [case.name for case in CASES]

T = TypeVar("T")

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=lambda: Path(tempfile.gettempdir()),
    show_default="the directory of temporary files",
    help="Where all servers keep their data; /dev/shm takes the disk out.",
)


@click.group(
    epilog="""\b
Examples:
  python -m bench run                      everything, about ten minutes
  python -m bench run --quick              a look in less than a minute; writes nothing
  python -m bench run --only adds          one case
  python -m bench run --check              exit code 1 on a miss or a loss
  python -m bench table                    the last results as Markdown
  python -m bench profile --seconds 10     where the load balancer spends its time
  python -m bench curves                   how cost grows; plots in docs/img

\b
Exit codes: 0 measured, 1 missed or lost (only with --check), 2 could not run, 130 Ctrl-C.
""",
)
def bench() -> None:
    """Measure the load balancer beside plain Chroma and nginx."""


@bench.command()
@click.option("--quick", is_flag=True, help="Few short rounds of the most telling cases.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(_NAMES),
    help="Measure this case only; may be given again. The results are not written.",
)
@click.option("--rounds", type=click.IntRange(1, 20), help="So many rounds of A B B A.")
@click.option("--check", is_flag=True, help="Exit with 1 on a missed target or a loss.")
@data_option
def run(*, quick: bool, only: tuple[str, ...], rounds: int | None, check: bool, data: Path) -> int:
    """Measure, show the table, and compare with the last commit."""
    plan = _with_rounds(QUICK if quick else WHOLE, rounds)
    cases = [case for case in CASES if (case.name in only if only else case.in_quick or not quick)]
    described = {**machine.describe(), "data on": kind_of(data), "plan": _words(plan)}
    context = make_bench(plan, data)
    if warning := machine.why_busy():
        context.tell(warning)
    began = time.monotonic()
    figures, failures = carry_out(_measure(context, cases))
    described["took"] = f"{time.monotonic() - began:.0f} s"
    console = Console()
    table.show(console, figures, described)
    before = results.committed()
    lost = [] if quick else results.losses(before, figures)
    if not quick:
        table.show_losses(console, lost, has_committed=bool(before))
    if failures:
        console.print("\n".join(failures), style="bold red", soft_wrap=True)
        return _COULD_NOT_RUN
    if quick or only:
        console.print("quick or partial: bench/results.json was not written")
    else:
        results.write(figures, {"machine": described, "measurements": context.detail})
        console.print(f"written to {results.RESULTS}")
    return _MISSED if check and (lost or any(results.missed(figures))) else 0


@bench.command("table")
def print_table() -> None:
    """Print the last results as Markdown."""
    try:
        figures, detail = results.read()
    except FileNotFoundError as error:
        raise HarnessError(f"there are no results yet: run `make bench` ({error})") from error
    click.echo(table.markdown(figures, detail.get("machine", {})))


@bench.command("profile")
@click.option("--seconds", type=click.IntRange(1, 60), default=8, show_default=True)
@data_option
def profile_command(*, seconds: int, data: Path) -> None:
    """Sample the load balancer under adds and under searches, with py-spy."""
    context = make_bench(QUICK, data)
    target = context.directory / "profile"
    target.mkdir(parents=True)
    carry_out(profile(context, float(seconds), target))


@bench.command("curves")
@click.option("--redraw", is_flag=True, help="Draw what was measured last; measure nothing.")
@data_option
def curves_command(*, redraw: bool, data: Path) -> None:
    """Measure how cost grows; write bench/curves.json and the plots in docs/img."""
    if not redraw:
        curves.write(carry_out(curves.measure(make_bench(CURVES, data))))
    try:
        paths = plots.draw(curves.read(), _IMAGES)
    except FileNotFoundError as error:
        raise HarnessError(f"no curves were measured yet: run `make curves` ({error})") from error
    click.echo("\n".join(str(path) for path in paths))


def make_bench(plan: Plan, data: Path) -> Bench:
    """Make what every case is given; it tells on stderr how it goes, with the time."""
    began = time.monotonic()

    def tell(line: str) -> None:
        click.echo(f"[{time.monotonic() - began:4.0f} s] {line}", err=True)

    directory = Path(".runs") / f"bench-{time.strftime('%Y%m%d-%H%M%S')}"
    return Bench(plan, directory, data, tell)


def carry_out(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; Ctrl-C stops every server first and raises `InterruptedRunError`."""

    def note(line: str) -> None:
        click.echo(line, err=True)

    return uvloop.run(interruptible(work, note))


async def _measure(context: Bench, cases: Sequence[Case]) -> tuple[list[Figure], list[str]]:
    """Measure every case; one that cannot be measured is told of, and the others go on."""
    figures: list[Figure] = []
    failures: list[str] = []
    for case in cases:
        context.tell(f"{case.name}: {case.about}")
        try:
            figures += await case.measure(context)
        except HarnessError as error:
            failures.append(f"{case.name} could not be measured: {error}")
            context.tell(failures[-1])
    return figures, failures


def _with_rounds(plan: Plan, rounds: int | None) -> Plan:
    return plan if rounds is None else replace(plan, rounds=rounds)


def _words(plan: Plan) -> str:
    return f"{plan.name}, {plan.rounds} rounds of A B B A, {plan.window_seconds:g} s each"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code; errors are told on stderr."""
    try:
        code: Any = bench.main(arguments, prog_name="python -m bench", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return _COULD_NOT_RUN
    except InterruptedRunError as error:
        click.echo(f"bench: {error}", err=True)
        return error.exit_code
    except HarnessError as error:
        click.echo(f"bench: {error}", err=True)
        return _COULD_NOT_RUN
    except click.Abort:
        return _INTERRUPTED
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
