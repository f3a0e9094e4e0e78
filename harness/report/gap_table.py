"""Owns the tables of timing gaps: operations by offset, kinds of failure, two runs side by side."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Column, Table

from harness.model.gap import (
    SIDES,
    Felt,
    GapExperiment,
    GapProfile,
    GapReport,
    GapRow,
    Normality,
    kinds_in,
)


def print_experiment(console: Console, experiment: GapExperiment, spans: Sequence[str]) -> None:
    """Print what each kind of operation met, as a whole and by offset; `spans` in their order."""
    profile = experiment.profile
    console.print(_kinds_table(profile))
    console.print(_offsets_table(profile, spans))
    console.print(
        "in seconds from the injection to the intended start; each cell is the slowest in ms, or "
        "failed/all where any failed",
        style="dim",
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"normal reads: {_normality(profile.reads)}", highlight=False, soft_wrap=True)
    console.print(f"normal writes: {_normality(profile.writes)}", highlight=False, soft_wrap=True)
    late = f"{profile.sent_late_ms:.0f} ms late at worst"
    console.print(f"the machine: free clients sent {late}", highlight=False, soft_wrap=True)
    console.print(f"verdict: {_verdict(experiment)}", highlight=False, soft_wrap=True)


def print_report(console: Console, report: GapReport) -> None:
    """Print a line for each kind of failure."""
    table = _table("failure", *HEADINGS)
    for experiment in report.experiments:
        table.add_row(experiment.kind, *experiment_cells(experiment))
    console.print(table)


def print_comparison(console: Console, reports: Sequence[GapReport]) -> None:
    """Print the reports side by side: each kind of failure, then each kind of operation in it."""
    sides = dict(zip(SIDES, reports, strict=True))
    for side, report in sides.items():
        console.print(f"{side}: {report.title}", highlight=False, soft_wrap=True)
    table = _table("failure", "run", *HEADINGS)
    for kind in kinds_in(reports):
        for side, report in sides.items():
            if experiment := report.of_kind(kind):
                table.add_row(kind, side, *experiment_cells(experiment))
    console.print(table)
    for kind in kinds_in(reports):
        console.print()
        console.print(_side_by_side(sides, kind))


_NEVER = "never"
HEADINGS = (
    "count",
    "failed",
    "p50 ms",
    "p99 ms",
    "max ms",
    "gap s",
    "reads normal",
    "writes normal",
    "failed later",
    "sent late ms",
    "verdict",
)


def experiment_cells(experiment: GapExperiment) -> list[str]:
    """Write what one kind of failure did, under `HEADINGS`."""
    profile = experiment.profile
    return [
        *_felt_cells(profile.whole.felt),
        f"{profile.whole.gap_seconds:.2f}",
        _when(profile.reads),
        _when(profile.writes),
        f"{profile.healed.failed} of {profile.healed.operations}",
        f"{profile.sent_late_ms:,.0f}",
        str(experiment.outcome),
    ]


def _felt_cells(felt: Felt) -> list[str]:
    latencies = (felt.p50_ms, felt.p99_ms, felt.max_ms)
    return [f"{felt.operations:,}", _share(felt), *(f"{latency:,.0f}" for latency in latencies)]


def _share(felt: Felt) -> str:
    if not felt.failed:
        return "0"
    return f"{felt.failed} ({felt.failed / felt.operations:.0%})"


def _when(normality: Normality) -> str:
    if normality.after_seconds is None:
        return _NEVER
    return f"{normality.after_seconds:.2f} s" if normality.after_seconds else "always"


def _normality(normality: Normality) -> str:
    p99 = normality.baseline_p99_ms
    baseline = "there was no baseline" if p99 is None else f"99 % of the baseline took {p99:.0f} ms"
    limit = f"up to {normality.limit_seconds:.2f} s is normal, {baseline}"
    match _when(normality):
        case "always":
            return f"always ({limit})"
        case "never":
            return f"not before the healing ({limit})"
        case after:
            return f"from {after} after the injection on ({limit})"


def _verdict(experiment: GapExperiment) -> str:
    objections = (f"{name} {outcome}" for name, outcome in experiment.objections.items())
    return "; ".join((str(experiment.outcome), *objections))


def _kinds_table(profile: GapProfile) -> Table:
    table = _table("kind", *HEADINGS[:6])
    table.add_column("how they failed")
    for row in (*profile.rows, profile.whole):
        failures = ", ".join(f"{count} {how}" for how, count in row.failures.items())
        table.add_row(row.kind, *_felt_cells(row.felt), f"{row.gap_seconds:.2f}", failures)
    return table


def _offsets_table(profile: GapProfile, spans: Sequence[str]) -> Table:
    met = [span for span in spans if span in profile.whole.by_offset]
    table = _table("by offset", *(span.removesuffix(" s") for span in met))
    for row in (*profile.rows, profile.whole):
        table.add_row(row.kind, *(_offset_cell(row.by_offset.get(span)) for span in met))
    return table


def _offset_cell(felt: Felt | None) -> str:
    if felt is None:
        return "-"
    return f"{felt.failed}/{felt.operations}" if felt.failed else f"{felt.max_ms:,.0f}"


def _side_by_side(sides: Mapping[str, GapReport], kind: str) -> Table:
    headings, rows = operation_rows(sides, kind)
    table = _table(kind, *headings)
    for operation, cells in rows:
        table.add_row(operation, *cells)
    return table


def operation_rows(
    sides: Mapping[str, GapReport], kind: str
) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Say for one kind of failure what each kind of operation met in each run, with headings."""
    profiles = {
        side: {row.kind: row for row in (*experiment.profile.rows, experiment.profile.whole)}
        for side, report in sides.items()
        if (experiment := report.of_kind(kind))
    }
    whats = ("count", "failed", "max ms", "gap s")
    rows = [
        (
            operation,
            [cell for rows in profiles.values() for cell in _row_cells(rows.get(operation))],
        )
        for operation in dict.fromkeys(name for rows in profiles.values() for name in rows)
    ]
    return [f"{side} {what}" for side in profiles for what in whats], rows


def _row_cells(row: GapRow | None) -> list[str]:
    if row is None:
        return ["-"] * 4
    count, failed, *_, slowest = _felt_cells(row.felt)
    return [count, failed, slowest, f"{row.gap_seconds:.2f}"]


def _table(first: str, *headings: str) -> Table:
    table = Table(Column(first, no_wrap=True), box=None, padding=(0, 1, 0, 1))
    for heading in headings:
        table.add_column(heading, justify="right")
    return table
