"""Owns the tables of a report, as rows of text: latencies by phase, servers, and what was run."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from harness.report.html.facts import RunFacts
from harness.report.html.series import Series

_PERCENTILES = ("p50", "p95", "p99", "max")


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """The latencies of one sort of operation in one phase, from their intended starts, in ms."""

    phase: str
    sort: str
    count: int
    p50: float
    p95: float
    p99: float
    max: float


def latencies(facts: RunFacts) -> tuple[Latency, ...]:
    """Give them as the checker of availability measured them; none where it did not."""
    figures = next((v.figures for v in facts.verdicts if v.checker == "availability"), {})
    return tuple(
        Latency(
            phase=phase,
            sort=sort,
            count=round(figures[f"{key}.count"]),
            **{name: figures.get(f"{key}.{name}_ms", 0.0) for name in _PERCENTILES},
        )
        for phase in dict.fromkeys(name for name, _, _ in facts.phases)
        for sort in ("read", "write")
        if f"{(key := f'{phase}.{sort}')}.count" in figures
    )


def extremes(series: Series, unit: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield for each line its first, its greatest and its last value."""
    for line in series.lines:
        known = [value for value in line.values if value is not None]
        if known:
            first, most, last = (
                f"{v:,.0f} {unit}".rstrip() for v in (known[0], max(known), known[-1])
            )
            yield line.name, first, most, last


def about(facts: RunFacts) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield what was run, part by part: the run, its limits, workload, lab, versions, timings."""
    said, header = facts.description, facts.history.header
    run = [("scenario", header.scenario), ("seed", str(header.seed))]
    run += [("started", _text(said["started_at"]))] if "started_at" in said else []
    yield "run", run
    for part in ("workload", "limits", "configuration", "versions", "timings"):
        content = said.get(part)
        if isinstance(content, Mapping):
            yield part, [(str(n).replace("_", " "), _text(value)) for n, value in content.items()]
    capabilities = said.get("capabilities")
    if isinstance(capabilities, list):
        yield "the lab can", [("", ", ".join(map(str, capabilities)))]


def _text(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
