"""The summary of a session: a row for each run, why some were not made, and a line of counts."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from harness.model.verdict import Outcome
from harness.pytest_plugin.cases import NOT_RUN, ROW

_LEAST_WIDTH = 110
_FIGURES = ("operations", "failed", "lost")


def summary_lines(reports: Iterable[Any], width: int) -> list[str]:
    """Write the lines; none when no test was about a run."""
    rows: dict[str, Mapping[str, Any]] = {}
    tests: dict[str, dict[str, str]] = {}
    for report in reports:
        row = getattr(report, ROW, None)
        # What was never run (all its tests were deselected or skipped for themselves) says nothing.
        if row is None or row["verdict"] == NOT_RUN:
            continue
        rows[row["files"]] = row
        of_run = tests.setdefault(row["files"], {})
        if report.when == "call" or report.outcome != "passed":
            of_run[report.nodeid] = report.outcome
    if not rows:
        return []
    return [
        *_table(rows, tests, max(width, _LEAST_WIDTH)),
        *_reasons(rows.values()),
        _counts(rows.values()),
    ]


def _table(
    rows: Mapping[str, Mapping[str, Any]], tests: Mapping[str, Mapping[str, str]], width: int
) -> Iterator[str]:
    table = Table(Column("promise (scenario)", min_width=24), box=None, padding=(0, 1))
    for heading in ("verdict", "tests"):
        table.add_column(heading, no_wrap=True)
    for heading in (*_FIGURES, "longest\ngap s", "time to\nconverge s", "seed"):
        table.add_column(heading, justify="right", no_wrap=True)
    for key, row in rows.items():
        outcomes = Counter(tests[key].values())
        run = outcomes["passed"] + outcomes["failed"]
        table.add_row(
            f"{row['use_case']} ({row['scenario']})",
            row["verdict"],
            f"{outcomes['passed']} of {run}" if run else "-",
            *(_count(row[name]) for name in _FIGURES),
            *(_seconds(row[name]) for name in ("gap_seconds", "converge_seconds")),
            str(row["seed"]),
        )
    written = StringIO()
    Console(file=written, width=width, no_color=True).print(table)
    yield from (line.rstrip() for line in written.getvalue().splitlines())


def _reasons(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Say of what did not pass why it was not run, or what was promised."""
    for row in rows:
        if row["reason"]:
            yield f"{row['scenario']} {row['verdict']}: {row['reason']}"
        elif row["verdict"] != Outcome.PASS:
            yield f"{row['scenario']} {row['verdict']}; promised: {row['promise']}"


def _counts(rows: Iterable[Mapping[str, Any]]) -> str:
    verdicts = Counter(row["verdict"] for row in rows)
    counted = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    return f"{verdicts.total()} scenarios: {counted}"


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
