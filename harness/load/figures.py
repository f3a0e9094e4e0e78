"""Owns what a load reached, level by level and over time: rates, latencies, backlog, memory. Pure.

The **knee** is the level with the greatest power, the rate over the mean latency: below it more
users bring more, above it they mostly wait (L. Kleinrock, Power and deterministic rules of thumb
for probabilistic problems in computer communications, ICC 1979). **Sustained** is the highest rate
of a level that could go on: nothing failed, the 95th percentile below a second, and no log entry
waited for longer than two.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from harness.model.cost import CostSample
from harness.model.history import CLIENTS_STOPPED, PHASE_STARTED, STEADY_STATE, History
from harness.model.observation import LogSample
from harness.model.operation import Completion, Operation

_SUSTAINED_P95_MS = 1_000.0
_SUSTAINED_AGE_SECONDS = 2.0
_LB = "lb"
_MEGABYTE = 1e6


@dataclass(frozen=True)
class Span:
    """A stretch of the load, and its name."""

    name: str
    begin_ns: int
    end_ns: int

    def holds(self, moment_ns: int) -> bool:
        """Tell whether the moment lies in it."""
        return self.begin_ns <= moment_ns < self.end_ns

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end_ns - self.begin_ns) / 1e9


@dataclass(frozen=True)
class Figures:
    """What was reached in one span; what nobody measured in it is None.

    `documents_per_second` counts what acknowledged adds and upserts wrote. `backlog` is the most
    entries that instances had not applied, and `oldest_seconds` the most that one of them waited.
    """

    span: Span
    users: int
    operations: int
    failed: int
    rate: float
    documents_per_second: float
    mean_ms: float
    p50_ms: float
    p95_ms: float
    backlog: int | None
    oldest_seconds: float | None
    memory_mb: float | None
    cpu: float | None

    @property
    def power(self) -> float:
        """The rate over the mean latency."""
        return self.rate / self.mean_ms if self.mean_ms else 0.0

    @property
    def could_go_on(self) -> bool:
        """Tell whether the system kept up."""
        is_quick = self.p95_ms <= _SUSTAINED_P95_MS
        is_applied = (self.oldest_seconds or 0.0) <= _SUSTAINED_AGE_SECONDS
        return self.operations > 0 and not self.failed and is_quick and is_applied


@dataclass(frozen=True)
class ServerCost:
    """What one server took while users worked; a restart in between hides what was before it."""

    server: str
    cpu: float | None
    cpu_ms_per_operation: float | None
    first_mb: float
    most_mb: float


def by_level(history: History, costs: Sequence[CostSample]) -> list[Figures]:
    """Measure each level of the shape."""
    return [_measured(span, history, costs) for span in _levels(history)]


def over_time(history: History, costs: Sequence[CostSample], parts: int) -> list[Figures]:
    """Measure equal stretches of the whole load."""
    levels = _levels(history)
    if not levels:
        return []
    begin_ns, end_ns = levels[0].begin_ns, levels[-1].end_ns
    edges = [begin_ns + (end_ns - begin_ns) * n // parts for n in range(parts + 1)]
    spans = (
        Span(f"{(start - begin_ns) / 1e9:.1f} s", start, end) for start, end in pairwise(edges)
    )
    return [_measured(span, history, costs) for span in spans]


def by_server(history: History, costs: Sequence[CostSample]) -> list[ServerCost]:
    """Measure each server of the lab, and locust, over the whole load."""
    levels = _levels(history)
    if not levels:
        return []
    whole = Span("", levels[0].begin_ns, levels[-1].end_ns)
    done = sum(whole.holds(o.completed_ns) for o in _of_users(history))
    found: dict[str, list[CostSample]] = {}
    for cost in costs:
        if whole.holds(cost.at_ns):
            found.setdefault(cost.server, []).append(cost)
    return [_server(name, samples, whole, done) for name, samples in found.items()]


def _server(name: str, samples: Sequence[CostSample], whole: Span, done: int) -> ServerCost:
    cpu = _cpu(samples)
    memory = [sample.rss_bytes / _MEGABYTE for sample in samples]
    per_operation = None if cpu is None or not done else cpu * whole.seconds / done * 1e3
    return ServerCost(name, cpu, per_operation, memory[0], max(memory))


def knee(levels: Sequence[Figures]) -> Figures | None:
    """Find the level with the greatest power; there is none without several levels."""
    return max(levels, key=lambda level: level.power) if len(levels) > 1 else None


def sustained(levels: Sequence[Figures]) -> Figures | None:
    """Find the level with the highest rate that could go on."""
    able = [level for level in levels if level.could_go_on]
    return max(able, key=lambda level: level.rate) if able else None


def work_seconds(history: History) -> float:
    """Measure from the first operation of a user to the end of the last acknowledged write."""
    worked = list(_of_users(history))
    writes = [o.completed_ns for o in worked if o.kind.is_write and o.completion is Completion.OK]
    return (max(writes) - min(o.invoked_ns for o in worked)) / 1e9 if writes else 0.0


def documents_written(history: History) -> int:
    """Count the documents that users were told are written."""
    return sum(_documents(o) for o in _of_users(history))


def most_at_once(operations: Sequence[Operation]) -> int:
    """Count how many were under way when most were."""
    begun = ((operation.invoked_ns, 1) for operation in operations)
    ended = ((operation.completed_ns, -1) for operation in operations)
    changes = (change for _, change in sorted([*begun, *ended]))
    return max(accumulate(changes), default=0)


def _levels(history: History) -> list[Span]:
    """Find the levels in which somebody worked; each lasts until the next one begins."""
    worked = {o.phase for o in history.operations}
    begun = [m for m in history.milestones if m.name == PHASE_STARTED and m.detail in worked]
    begun.sort(key=lambda milestone: milestone.at_ns)
    stopped = history.milestone(CLIENTS_STOPPED)
    last_ns = max((o.completed_ns for o in history.operations), default=0)
    ends = [each.at_ns for each in begun[1:]] + [stopped.at_ns if stopped else last_ns]
    return [
        Span(each.detail, each.at_ns, end_ns) for each, end_ns in zip(begun, ends, strict=False)
    ]


def _measured(span: Span, history: History, costs: Sequence[CostSample]) -> Figures:
    users = {o.process for o in _of_users(history) if span.holds(o.invoked_ns)}
    done = [o for o in _of_users(history) if span.holds(o.completed_ns)]
    well = [o for o in done if o.completion is Completion.OK]
    latencies = [o.latency_ns / 1e6 for o in done] or [0.0]
    p50, p95 = np.percentile(latencies, [50, 95], method="inverted_cdf")
    samples = [s for s in history.observed(LogSample) if s.is_log and span.holds(s.answered_ns)]
    lb = [cost for cost in costs if cost.server == _LB and span.holds(cost.at_ns)]
    return Figures(
        span=span,
        users=len(users),
        operations=len(done),
        failed=len(done) - len(well),
        rate=len(well) / span.seconds if span.seconds else 0.0,
        documents_per_second=sum(map(_documents, well)) / span.seconds if span.seconds else 0.0,
        mean_ms=float(np.mean(latencies)),
        p50_ms=float(p50),
        p95_ms=float(p95),
        backlog=max((sum(s.pending.values()) for s in samples), default=None),
        oldest_seconds=max((s.oldest_pending_age_seconds or 0.0 for s in samples), default=None),
        memory_mb=max((cost.rss_bytes / _MEGABYTE for cost in lb), default=None),
        cpu=_cpu(lb),
    )


def _cpu(samples: Sequence[CostSample]) -> float | None:
    """Give the share of one processor; none where a restart began it anew."""
    if len(samples) < 2 or samples[-1].cpu_seconds < samples[0].cpu_seconds:
        return None
    seconds = (samples[-1].at_ns - samples[0].at_ns) / 1e9
    return (samples[-1].cpu_seconds - samples[0].cpu_seconds) / seconds


def _of_users(history: History) -> Iterator[Operation]:
    return (o for o in history.operations if o.phase != STEADY_STATE)


def _documents(operation: Operation) -> int:
    is_content = operation.kind.is_write and not operation.kind.is_about_collection
    is_done = operation.completion is Completion.OK
    return len(operation.tokens) if is_content and is_done else 0
