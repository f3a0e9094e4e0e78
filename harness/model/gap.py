"""Owns the record of a timing gap: what clients felt of a failure, and until when.

The **offset** of an operation is the time from the injection to its intended start.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from harness.model.verdict import Outcome


class Felt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of some operations; latencies count from their intended starts."""

    operations: int
    failed: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class GapRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of operation met, or all of them.

    `by_offset` has the beginning of each span of offsets that any operation began in; `failures`
    counts those that did not succeed by how they ended.
    """

    kind: str
    felt: Felt
    gap_seconds: float
    by_offset: dict[str, Felt]
    failures: dict[str, int]


class Normality(msgspec.Struct, frozen=True, kw_only=True):
    """When reads, or writes, were normal again: all that began later succeeded within the limit.

    `after_seconds` is an offset: 0 when they always were, None when they were not before the
    healing. Without a baseline `baseline_p99_ms` is None, and the limit the least one.
    """

    limit_seconds: float
    baseline_p99_ms: float | None
    after_seconds: float | None


class GapProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What a failure did to clients, from its injection until it was healed.

    The **gap** ends with the last operation that failed or took longer than `hurt_seconds`. What
    began after the healing is `healed`, and no part of the rest. `sent_late_ms` is how late free
    clients were at worst: what the measuring machine itself adds to latencies.
    """

    faults: tuple[str, ...]
    lasted_seconds: float
    hurt_seconds: float
    whole: GapRow
    sent_late_ms: float
    rows: tuple[GapRow, ...]
    reads: Normality
    writes: Normality
    healed: Felt


class GapExperiment(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of failure: its profile, and what the checkers say of the run.

    `objections` names the checkers that did not pass, with what they said.
    """

    kind: str
    outcome: Outcome
    objections: dict[str, Outcome]
    profile: GapProfile


class GapReport(msgspec.Struct, frozen=True, kw_only=True):
    """All kinds of failure that were measured at one load balancer.

    `load_balancer` is the command that started it, or empty for our own.
    """

    name: str
    load_balancer: str
    experiments: tuple[GapExperiment, ...]

    @property
    def title(self) -> str:
        """What it is, for people."""
        return f"{self.name}, {self.load_balancer or 'our own load balancer'}"

    def of_kind(self, kind: str) -> GapExperiment | None:
        """Find one kind of failure."""
        return next((each for each in self.experiments if each.kind == kind), None)


SIDES = ("A", "B")
"""What two reports are called that are laid side by side."""


def kinds_in(reports: Iterable[GapReport]) -> list[str]:
    """List the kinds of failure of all reports, in the order of the first that has them."""
    return list(dict.fromkeys(each.kind for report in reports for each in report.experiments))


@dataclass(frozen=True)
class GapPoint:
    """One operation, as a plot shows it."""

    offset_seconds: float
    latency_seconds: float
    is_write: bool
    is_failed: bool
