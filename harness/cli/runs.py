"""The commands about saved runs: `list`, `show`, `report`, `diff` and `export`."""

import click
from rich.console import Console
from rich.table import Table

from harness.checkers.biography import biography, document_names
from harness.checkers.disturbances import server_endings
from harness.checkers.endings import describe
from harness.errors import UsageError
from harness.model.cost import read_costs
from harness.report.edn import edn_lines
from harness.report.load_table import is_load, print_load
from harness.report.summary import print_summary
from harness.runner.differences import differences
from harness.runner.run_report import write_report
from harness.runner.run_store import LATEST, RunStore

RUN_HELP = f"RUN is a run's directory, its name in the list, or `{LATEST}`."


def store() -> RunStore:
    """Return the runs under CHROMA_CHAOS_RUNS, by default .runs."""
    return RunStore.from_environment()


@click.command("list", epilog="Example:\n\n  chroma-chaos list")
def list_runs() -> None:
    """List the saved runs, the oldest first, and behind them those that cannot be read."""
    table = _table("run", "scenario", "seed", "started", "verdict")
    runs, torn = store().readable_and_torn()
    for run in runs:
        about = run.description
        verdict = str(run.judgement.outcome) if run.judgement else "interrupted"
        row = (run.name, about.get("scenario"), about.get("seed"), about.get("started_at"))
        table.add_row(*(str(cell) for cell in row), verdict)
    for name in torn:
        table.add_row(name, "?", "?", "?", "unreadable")
    Console().print(
        table if table.row_count else f"no runs in {store().root}: begin with `chroma-chaos run`"
    )
    for trouble in torn.values():
        click.echo(f"chroma-chaos: {trouble}", err=True)


@click.command(
    epilog=f"""{RUN_HELP}

\b
Examples:
  chroma-chaos show last
  chroma-chaos show last --document AUTOTEST_7_files_1/client-1-file-3/0
"""
)
@click.argument("run")
@click.option(
    "--document",
    metavar="COLLECTION/ID",
    help="Show all that happened to one document instead.",
)
def show(run: str, document: str | None) -> None:
    """Show what RUN was, the faults in it, and what was said of it when it ended."""
    saved = store().find(run)
    history, finals = saved.directory.read()
    console = Console()
    if document is not None:
        if document not in document_names(history, finals):
            raise UsageError(f"no document {document!r} in that run; name it as COLLECTION/ID")
        for line in biography(history, finals, document):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        return
    for name in ("scenario", "seed", "started_at", "configuration", "versions", "timings"):
        console.print(f"{name}: {saved.description.get(name)}", highlight=False, soft_wrap=True)
    began_ns = min((o.invoked_ns for o in history.operations), default=0)
    for index in sorted(history.fault_windows):
        window = history.fault_windows[index]
        at, until = (window.injected_ns - began_ns) / 1e9, (window.healed_ns - began_ns) / 1e9
        evidence = f"{window.effect_evidence}; {window.heal_evidence}"
        console.print(
            f"{window.fault}: {at:.2f} to {until:.2f} s: {evidence}",
            highlight=False,
            soft_wrap=True,
        )
    for ending in server_endings(history):
        console.print(describe(ending, began_ns), highlight=False, soft_wrap=True)
    if is_load(history):
        print_load(console, history, read_costs(saved.directory.samples))
    if saved.judgement is None:
        console.print("it was interrupted, and never judged")
        return
    print_summary(console, history, saved.judgement.verdicts)


@click.command(epilog=f"{RUN_HELP}\n\nExample:\n\n  chroma-chaos report last --open")
@click.argument("run")
@click.option("--open", "is_opened", is_flag=True, help="Show it in the browser.")
def report(run: str, is_opened: bool) -> None:
    """Write the report of RUN anew, a page of its own with charts, and say where it is."""
    path = write_report(store().find(run))
    click.echo(path)
    if is_opened:
        click.launch(str(path))


@click.command(epilog=f"{RUN_HELP}\n\nExample:\n\n  chroma-chaos diff RUN last")
@click.argument("one")
@click.argument("other")
def diff(one: str, other: str) -> None:
    """Show in what the runs ONE and OTHER differ: how they were made, verdicts and figures."""
    left, right = store().find(one), store().find(other)
    table = _table("what", left.name, right.name)
    for what, ours, theirs in differences(left, right):
        table.add_row(what, ours, theirs)
    Console().print(table if table.row_count else "they do not differ")


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


@click.command(
    epilog=f"{RUN_HELP}\n\nExample:\n\n  chroma-chaos export last --format edn > history.edn"
)
@click.argument("run")
@click.option(
    "--format",
    "form",
    type=click.Choice(["edn"]),
    default="edn",
    show_default=True,
    help="What Jepsen's checkers read.",
)
def export(run: str, form: str) -> None:
    """Write the history of RUN for other checkers: each document is a register of its own."""
    del form  # There is one.
    history, _ = store().find(run).directory.read()
    for line in edn_lines(history):
        click.echo(line)
