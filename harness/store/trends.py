"""Owns how a scenario's figures changed from run to run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.store.glance import Glance, Word

CHARTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "Longest gap": ("s", {"gap_seconds": "longest gap"}),
    "Latency, 99th percentile of the slowest phase": (
        "ms",
        {"write_p99_ms": "writes", "read_p99_ms": "reads"},
    ),
    "Time to converge": ("s", {"converge_seconds": "time to converge"}),
}
"""Each chart by its title: its unit, and which figures it shows under which names."""


@dataclass(frozen=True)
class Trend:
    """All runs of one scenario, the oldest first."""

    scenario: str
    runs: Sequence[Glance]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many runs ended with each word, those that none ended with left out."""
        counts = {word.value: sum(run.word is word for run in self.runs) for word in Word}
        return {word: count for word, count in counts.items() if count}

    @property
    def last(self) -> Glance:
        """The newest run."""
        return self.runs[-1]

    def worst(self, figure: str) -> float | None:
        """Find the highest value of a figure."""
        return max((value for value in self.values(figure) if value is not None), default=None)

    def values(self, figure: str) -> list[float | None]:
        """Give a figure of every run."""
        return [getattr(run.figures, figure) for run in self.runs]

    def charts(self) -> list[dict[str, Any]]:
        """Describe the charts for the page's script; those that would be empty are left out."""
        return [
            {
                "kind": "trend",
                "title": title,
                "unit": unit,
                "x": list(range(1, len(self.runs) + 1)),
                "series": [
                    {"label": label, "values": self.values(figure)}
                    for figure, label in figures.items()
                ],
                "runs": [f"{run.name}: {run.word}" for run in self.runs],
                "failed": [run.word is Word.FAIL for run in self.runs],
            }
            for title, (unit, figures) in CHARTS.items()
            if any(value is not None for figure in figures for value in self.values(figure))
        ]


def trends_of(glances: Iterable[Glance]) -> list[Trend]:
    """Gather the runs by scenario, those with most runs first; what cannot be read has none."""
    by_scenario: dict[str, list[Glance]] = {}
    for run in sorted(glances, key=lambda run: (run.started_at, run.name)):
        if run.word is not Word.UNREADABLE:
            by_scenario.setdefault(run.scenario, []).append(run)
    trends = [Trend(scenario, runs) for scenario, runs in by_scenario.items()]
    return sorted(trends, key=lambda trend: (-len(trend.runs), trend.scenario))
