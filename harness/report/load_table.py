"""Owns the tables of a load: by level, over time, and in a few lines what it amounts to."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.load.figures import (
    Figures,
    ServerCost,
    by_level,
    by_server,
    documents_written,
    knee,
    over_time,
    sustained,
    work_seconds,
)
from harness.model.cost import CostSample
from harness.model.history import History

_PARTS = 10
_WIDTH = 110
_HEADINGS = ("users", "op/s", "doc/s", "p50", "p95", "failed", "backlog", "age s", "MB", "CPU")
_LEGEND = (
    "p50 and p95 in ms; backlog: entries that instances had not applied, and the age of the "
    "oldest; MB and CPU of the lb"
)


def is_load(history: History) -> bool:
    """Tell whether locust's users worked in the run."""
    return history.header.scenario.startswith(("load-", "locust-"))


def print_load(console: Console, history: History, costs: Sequence[CostSample]) -> None:
    """Print all."""
    levels = by_level(history, costs)
    console.print(_table("level", levels))
    console.print(_table("from", over_time(history, costs, _PARTS)))
    console.print(_servers(by_server(history, costs)))
    for line in (_LEGEND, *_lines(history, levels)):
        console.print(f"  {line}", highlight=False, soft_wrap=True)


def write_load(path: Path, history: History, costs: Sequence[CostSample]) -> None:
    """Write the same as plain text."""
    with path.open("w") as file:
        print_load(Console(file=file, width=_WIDTH, no_color=True), history, costs)


def _table(heading: str, rows: Sequence[Figures]) -> Table:
    table = Table(box=None, padding=(0, 1))
    table.add_column(heading, no_wrap=True)
    for each in _HEADINGS:
        table.add_column(each, justify="right")
    for row in rows:
        table.add_row(row.span.name, *_cells(row))
    return table


def _servers(costs: Sequence[ServerCost]) -> Table:
    table = Table("server", box=None, padding=(0, 1))
    for each in ("CPU", "CPU ms per operation", "MB at first", "MB at most"):
        table.add_column(each, justify="right")
    for cost in costs:
        cpu = "-" if cost.cpu is None else f"{cost.cpu:.0%}"
        each = "-" if cost.cpu_ms_per_operation is None else f"{cost.cpu_ms_per_operation:.1f}"
        table.add_row(cost.server, cpu, each, f"{cost.first_mb:.0f}", f"{cost.most_mb:.0f}")
    return table


def _cells(row: Figures) -> Iterator[str]:
    yield str(row.users)
    yield f"{row.rate:,.1f}"
    yield f"{row.documents_per_second:,.0f}"
    yield f"{row.p50_ms:.0f}"
    yield f"{row.p95_ms:.0f}"
    yield str(row.failed)
    yield "-" if row.backlog is None else str(row.backlog)
    yield "-" if row.oldest_seconds is None else f"{row.oldest_seconds:.1f}"
    yield "-" if row.memory_mb is None else f"{row.memory_mb:.0f}"
    yield "-" if row.cpu is None else f"{row.cpu:.0%}"


def _lines(history: History, levels: Sequence[Figures]) -> Iterator[str]:
    documents, seconds = documents_written(history), work_seconds(history)
    yield f"{documents:,} documents written in {seconds:.2f} s, from the first request on"
    if (best := sustained(levels)) is not None:
        yield f"sustained: {_rate(best)}, {best.users} users, p95 {best.p95_ms:.0f} ms"
    else:
        yield "sustained: no level could have gone on"
    if (at := knee(levels)) is not None:
        yield f"knee: {at.users} users, {_rate(at)}, mean {at.mean_ms:.0f} ms"
    if (drain_seconds := history.drain_seconds) is not None:
        yield f"log drained {drain_seconds:.2f} s after the last operation"


def _rate(figures: Figures) -> str:
    return f"{figures.rate:,.0f} operations/s ({figures.documents_per_second:,.0f} documents/s)"
