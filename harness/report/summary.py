"""Owns the summary of a run: a few figures, a line for each checker, and the verdict."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from harness.model.history import PHASE_STARTED, History
from harness.model.verdict import Outcome, Verdict, combine

_STYLES = {
    Outcome.PASS: "bold green",
    Outcome.FAIL: "bold red",
    Outcome.UNKNOWN: "bold yellow",
    Outcome.NOT_OFFERED: "dim",
}
_VIOLATIONS_SHOWN = 3
_EVIDENCE_SHOWN = 6
_BIOGRAPHY_SHOWN = 12
WIDTH = 100
_LATENCIES = ("p50", "p95", "p99", "max")


def print_summary(console: Console, history: History, verdicts: Sequence[Verdict]) -> None:
    """Print figures, latencies, checkers and the verdict."""
    figures = {verdict.checker: verdict.figures for verdict in verdicts}
    console.print(_figures_table(history, figures))
    console.print(_latency_table(history, figures.get("availability", {})))
    console.print(_kind_table(figures.get("availability", {})))
    for verdict in verdicts:
        print_verdict(console, verdict)
    outcome = combine(verdicts)
    console.print(Text(f"verdict: {outcome}", style=_STYLES[outcome]))


def write_summary(path: Path, history: History, verdicts: Sequence[Verdict]) -> None:
    """Write the same as plain text."""
    with path.open("w") as file:
        console = Console(file=file, width=WIDTH, no_color=True)
        console.print(f"scenario {history.header.scenario}, seed {history.header.seed}")
        print_summary(console, history, verdicts)


def _figures_table(history: History, figures: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2))
    for label, value in figure_rows(history, figures):
        table.add_row(label, value)
    return table


def figure_rows(
    history: History, figures: Mapping[str, Mapping[str, float]]
) -> Iterator[tuple[str, str]]:
    """Give the figures of a run that people ask for first, with their labels."""
    limits = history.header.limits

    def count(checker: str, name: str) -> str:
        value = figures.get(checker, {}).get(name)
        return "unknown" if value is None else f"{value:,.0f}"

    def seconds(checker: str, name: str, limit_seconds: float | None) -> str:
        value = figures.get(checker, {}).get(name)
        limit = "no limit" if limit_seconds is None else f"limit {limit_seconds:g} s"
        return "unknown" if value is None else f"{value:.3f} s ({limit})"

    writes = count("availability", "acknowledged_writes")
    documents = count("availability", "acknowledged_documents")
    yield "operations", count("availability", "operations")
    yield "acknowledged writes", f"{writes} ({documents} documents by id)"
    yield "lost", f"{count('durability', 'lost')} ({count('durability', 'stale')} by an older one)"
    there, gone = (count("durability", f"in_doubt_{name}") for name in ("present", "absent"))
    yield "documents written in doubt", f"{there} there, {gone} not there or replaced"
    yield "resurrected", count("resurrection", "resurrected")
    yield "phantom", count("phantom", "phantom")
    yield "different between instances", count("convergence", "different")
    recalls = [
        f"{name} {value:.1%}"
        for name, value in figures.get("recall", {}).items()
        if "." not in name and name != "difference"
    ] or ["unknown"]
    yield "recall of searches at rest", ", ".join(recalls)
    if ended := figures.get("endings"):
        counts = (f"{server} {number:.0f}" for server, number in ended.items())
        yield "ended by themselves", ", ".join(counts)
    yield "failed for clients", count("availability", "failed")
    yield "longest gap", seconds("availability", "gap_seconds", limits.gap_seconds)
    if history.header.faults:
        converge = seconds("convergence", "converge_seconds", limits.converge_seconds)
        yield "time to converge after the heal", converge
    settle = seconds("convergence", "settle_seconds", limits.converge_seconds)
    yield "time to settle after the last client", settle


def _latency_table(history: History, figures: Mapping[str, float]) -> Table:
    table = Table("phase", "sort", box=None, padding=(0, 2), title_justify="left")
    for heading in ("operations", *_LATENCIES):
        table.add_column(f"{heading} ms" if heading in _LATENCIES else heading, justify="right")
    phases = [m.detail for m in history.milestones if m.name == PHASE_STARTED]
    for phase in phases:
        for sort in ("read", "write"):
            key = f"{phase}.{sort}"
            if f"{key}.count" in figures:
                table.add_row(phase, sort, *_latency_cells(figures, key))
    return table


def _kind_table(figures: Mapping[str, float]) -> Table:
    table = Table(Column("kind", no_wrap=True), box=None, padding=(0, 1, 0, 1))
    for heading in ("count", *(f"{name} ms" for name in _LATENCIES), "failed", "gap s"):
        table.add_column(heading, justify="right")
    for name in figures:
        kind = name.removesuffix(".gap_seconds")
        if kind != name:
            cells = _latency_cells(figures, kind)
            table.add_row(kind, *cells, f"{figures[f'{kind}.failed']:,.0f}", f"{figures[name]:.3f}")
    return table


def _latency_cells(figures: Mapping[str, float], key: str) -> list[str]:
    """Format the count and the latencies; a run of an older version lacks some of them."""
    latencies = (figures.get(f"{key}.{name}_ms") for name in _LATENCIES)
    return [
        f"{figures[f'{key}.count']:,.0f}",
        *("-" if value is None else f"{value:.1f}" for value in latencies),
    ]


def print_verdict(console: Console, verdict: Verdict) -> None:
    """Print what a checker says, and its first violations with their evidence."""
    line = Text(f"{verdict.outcome:>11}  ", style=_STYLES[verdict.outcome])
    line.append(verdict.checker, style="default not bold")
    detail = verdict.reason or f"{verdict.examined} examined, {len(verdict.violations)} violations"
    line.append(f": {detail}", style="default not bold")
    console.print(line, soft_wrap=True)
    for violation in verdict.violations[:_VIOLATIONS_SHOWN]:
        console.print(Text(f"            {violation.message}"), soft_wrap=True)
        for evidence in violation.evidence[:_EVIDENCE_SHOWN]:
            console.print(Text(f"              {evidence}", style="dim"), soft_wrap=True)
        # The whole of it is in the file, and in `chroma-chaos show RUN --document`.
        for event in violation.biography[-_BIOGRAPHY_SHOWN:]:
            console.print(Text(f"                {event}", style="dim"), soft_wrap=True)
    more = len(verdict.violations) - _VIOLATIONS_SHOWN
    if more > 0:
        console.print(Text(f"            and {more} more in verdict.json"))
