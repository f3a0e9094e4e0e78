"""Owns the latencies of two runs on one time axis: percentiles by second, and faults."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.checkers.availability import percentile
from harness.model.history import PHASE_STARTED, STEADY_STATE, History
from harness.model.operation import Completion, Operation
from harness.store.comparison import SIDES

_MOST_BINS = 240
_PERCENTS = (50, 99)


@dataclass(frozen=True)
class _Course:
    """One run, with times in seconds since its first phase began."""

    side: str
    history: History
    began_ns: int

    def seconds(self, at_ns: int) -> float:
        return (at_ns - self.began_ns) / 1e9

    def operations(self) -> list[Operation]:
        return [o for o in self.history.operations if o.phase != STEADY_STATE]

    def last_seconds(self) -> float:
        return max((self.seconds(o.intended_ns) for o in self.operations()), default=0.0)

    def windows(self) -> list[dict[str, Any]]:
        """Describe its faults; one that was not healed lasts to the end."""
        return [
            {
                "side": self.side,
                "label": window.fault,
                "from": round(self.seconds(window.injected_ns), 3),
                "to": round(
                    self.seconds(window.healed_ns) if window.healed_ns else self.last_seconds(), 3
                ),
            }
            for window in self.history.fault_windows.values()
            if window.injected_ns
        ]


def latency_charts(histories: Sequence[History]) -> list[dict[str, Any]]:
    """Describe charts of reads, of writes and of what did not succeed, for the page's script.

    Latencies count from the intended start, which is also what an operation's second is told by.
    """
    courses = [
        _Course(side, history, _began_ns(history))
        for side, history in zip(SIDES, histories, strict=True)
    ]
    bin_seconds = max(1.0, max(course.last_seconds() for course in courses) / _MOST_BINS)
    windows = [window for course in courses for window in course.windows()]
    charts = [
        _chart("Latency of reads", courses, bin_seconds, lambda o: not o.kind.is_write),
        _chart("Latency of writes", courses, bin_seconds, lambda o: o.kind.is_write),
        _failures(courses, bin_seconds),
    ]
    return [{**chart, "windows": windows} for chart in charts if chart["x"]]


def _chart(
    title: str,
    courses: Sequence[_Course],
    bin_seconds: float,
    is_meant: Callable[[Operation], bool],
) -> dict[str, Any]:
    binned = [_binned(course, bin_seconds, is_meant) for course in courses]
    bins = sorted(set().union(*binned))
    series = [
        {
            "label": f"{course.side} p{percent}",
            "side": course.side,
            "thin": percent == _PERCENTS[0],
            "values": [
                round(percentile(sorted(found[each]), percent), 2) if each in found else None
                for each in bins
            ],
        }
        for course, found in zip(courses, binned, strict=True)
        for percent in _PERCENTS
    ]
    x = [round(each * bin_seconds, 3) for each in bins]
    return {"kind": "latency", "title": title, "unit": "ms", "log": True, "x": x, "series": series}


def _failures(courses: Sequence[_Course], bin_seconds: float) -> dict[str, Any]:
    binned = [
        _binned(course, bin_seconds, lambda o: o.completion is not Completion.OK)
        for course in courses
    ]
    ends_seconds = max(course.last_seconds() for course in courses)
    bins = range(int(ends_seconds / bin_seconds) + 1 if any(binned) else 0)
    series = [
        {
            "label": f"{course.side} fail or info",
            "side": course.side,
            "values": [len(found.get(each, ())) for each in bins],
        }
        for course, found in zip(courses, binned, strict=True)
    ]
    title = "Operations that did not succeed"
    x = [round(each * bin_seconds, 3) for each in bins]
    return {"kind": "latency", "title": title, "unit": "", "x": x, "series": series}


def _binned(
    course: _Course, bin_seconds: float, is_meant: Callable[[Operation], bool]
) -> Mapping[int, list[float]]:
    """Gather latencies in ms by the number of the bin of their intended start."""
    found: defaultdict[int, list[float]] = defaultdict(list)
    for operation in course.operations():
        if is_meant(operation):
            number = max(0, int(course.seconds(operation.intended_ns) / bin_seconds))
            found[number].append(operation.latency_ns / 1e6)
    return found


def _began_ns(history: History) -> int:
    phases = [each.at_ns for each in history.milestones if each.name == PHASE_STARTED]
    starts = phases or [operation.invoked_ns for operation in history.operations]
    return min(starts, default=0)
