"""Owns all that a report is made of, as it was read from a run's files, and the run's own clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from harness.model.cost import CostSample
from harness.model.history import PHASE_STARTED, History
from harness.model.operation import Operation
from harness.model.schedule import Schedule
from harness.model.verdict import Verdict


@dataclass(frozen=True)
class RunFacts:
    """One run; without `verdicts` it was never judged.

    Moments are seconds since the first operation was sent, as everywhere else in reports.
    """

    history: History
    verdicts: tuple[Verdict, ...] = ()
    description: Mapping[str, Any] = field(default_factory=dict)
    schedule: Schedule | None = None
    costs: tuple[CostSample, ...] = ()

    @cached_property
    def zero_ns(self) -> int:
        """When the first operation was sent; in a run without any, the first milestone."""
        moments = [o.invoked_ns for o in self.history.operations]
        return min(moments or [m.at_ns for m in self.history.milestones], default=0)

    def seconds(self, moment_ns: int) -> float:
        """Give a moment on the page's time axis, to the microsecond."""
        return round((moment_ns - self.zero_ns) / 1e9, 6)

    @cached_property
    def end_seconds(self) -> float:
        """When the last thing of the run was over."""
        ends = [
            *(o.completed_ns for o in self.history.operations),
            *(m.at_ns for m in self.history.milestones),
            *(w.heal_observed_ns for w in self.history.fault_windows.values()),
        ]
        return max([0.0, *(self.seconds(end) for end in ends if end)])

    @cached_property
    def phases(self) -> tuple[tuple[str, float, float], ...]:
        """Each phase with its begin and end."""
        begun = [m for m in self.history.milestones if m.name == PHASE_STARTED]
        begins = [self.seconds(m.at_ns) for m in begun]
        ends = [*begins[1:], self.end_seconds]
        names = [m.detail for m in begun]
        return tuple(zip(names, begins, ends, strict=False))

    @cached_property
    def documents(self) -> frozenset[str]:
        """Every document that an operation named, as `COLLECTION/ID`."""
        return frozenset(f"{o.collection}/{i}" for o in self.history.operations for i in o.ids)

    @cached_property
    def by_name(self) -> dict[str, Operation]:
        """Every operation by its name."""
        return {operation.name: operation for operation in self.history.operations}
