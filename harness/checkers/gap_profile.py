"""Measures the timing gap of a run from its history alone, whether just made or saved.

It judges nothing. Several faults in a run count as one failure, from the first injection to the
last healing: that is what flapping is.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from harness.checkers.availability import percentile
from harness.model.gap import Felt, GapPoint, GapProfile, GapRow, Normality
from harness.model.history import STEADY_STATE, History
from harness.model.observation import Repeat
from harness.model.operation import Completion, Operation

HURT_SECONDS = 1.0
"""What takes longer has hurt its client: the promise of use case 2."""
NORMAL_FACTOR = 2.0
NORMAL_LEAST_SECONDS = 0.5
"""Normal is what takes at most the 99th percentile of the baseline times the factor, or this: less
would be what a busy machine does by itself now and then."""

EDGES_SECONDS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 40.0)
"""Where the spans of offsets begin; the last one that the failure reaches ends with it."""
IN_FLIGHT = "in flight"
HEALED = "healed"
ALL = "all"
SPANS = (IN_FLIGHT, *(f"{edge:g} s" for edge in EDGES_SECONDS), HEALED)
"""The names of all spans: under way at the injection, from each edge on, after the healing."""


@dataclass(frozen=True)
class _Failure:
    """From the first injection to the last healing."""

    injected_ns: int
    healed_ns: int

    def met(self, operation: Operation) -> bool:
        """Tell whether the operation was under way at the injection, or began before the end."""
        began_ns = operation.intended_ns
        return began_ns < self.healed_ns and operation.completed_ns > self.injected_ns

    def suffered_seconds(self, operation: Operation) -> float:
        """Give its latency, of which what came after the healing is not the failure's doing."""
        return (min(operation.completed_ns, self.healed_ns) - operation.intended_ns) / 1e9

    def offset_seconds(self, moment_ns: int) -> float:
        """Give the time since the injection."""
        return (moment_ns - self.injected_ns) / 1e9

    def span(self, operation: Operation) -> str:
        """Name the span of offsets that it began in."""
        if operation.intended_ns >= self.healed_ns:
            return HEALED
        return SPANS[bisect_right(EDGES_SECONDS, self.offset_seconds(operation.intended_ns))]


def gap_profile(history: History) -> GapProfile | None:
    """Measure what clients felt of the failure; None when none was injected and healed."""
    failure = _failure(history)
    if failure is None:
        return None
    operations = _counted(history)
    met = [o for o in operations if failure.met(o)]
    baseline = [o for o in operations if o.completed_ns <= failure.injected_ns]
    healed = [o for o in operations if o.intended_ns >= failure.healed_ns]
    if not met:
        return None

    def normality(*, is_write: bool) -> Normality:
        def of_sort(found: Iterable[Operation]) -> list[Operation]:
            return [o for o in found if o.kind.is_write == is_write]

        return _normality(of_sort(baseline), of_sort(met), failure)

    return GapProfile(
        faults=tuple(dict.fromkeys(w.fault for _, w in sorted(history.fault_windows.items()))),
        lasted_seconds=failure.offset_seconds(failure.healed_ns),
        hurt_seconds=HURT_SECONDS,
        whole=_row(ALL, met, healed, failure),
        sent_late_ms=max(late_ns for o, late_ns in _sent_late(history) if failure.met(o)) / 1e6,
        rows=_rows(met, healed, failure),
        reads=normality(is_write=False),
        writes=normality(is_write=True),
        healed=felt(healed),
    )


def gap_points(history: History) -> tuple[GapPoint, ...]:
    """Give every operation of the run as a point; none when no failure was injected and healed."""
    failure = _failure(history)
    if failure is None:
        return ()
    return tuple(
        GapPoint(
            offset_seconds=failure.offset_seconds(o.intended_ns),
            latency_seconds=o.latency_ns / 1e9,
            is_write=o.kind.is_write,
            is_failed=_is_failed(o),
        )
        for o in _counted(history)
    )


def _failure(history: History) -> _Failure | None:
    windows = [w for w in history.fault_windows.values() if w.injected_ns and w.healed_ns]
    if not windows:
        return None
    return _Failure(min(w.injected_ns for w in windows), max(w.healed_ns for w in windows))


def _counted(history: History) -> list[Operation]:
    return [o for o in history.operations if o.phase != STEADY_STATE]


def _rows(
    met: Sequence[Operation], healed: Sequence[Operation], failure: _Failure
) -> tuple[GapRow, ...]:
    def of_kind(operations: Sequence[Operation], kind: str) -> list[Operation]:
        return [o for o in operations if _kind(o) == kind]

    return tuple(
        _row(kind, of_kind(met, kind), of_kind(healed, kind), failure)
        for kind in sorted({_kind(o) for o in met})
    )


def _row(
    kind: str, met: Sequence[Operation], healed: Sequence[Operation], failure: _Failure
) -> GapRow:
    return GapRow(
        kind=kind,
        felt=felt(met),
        gap_seconds=_gap_seconds(met, failure),
        by_offset=_by_offset([*met, *healed], failure.span),
        failures=dict(Counter(_ending(o) for o in met if _is_failed(o)).most_common()),
    )


def _sent_late(history: History) -> Iterator[tuple[Operation, int]]:
    """Tell how late each operation was sent, from when its client was free to send it."""
    calls: list[Operation | Repeat] = [*_counted(history), *history.observed(Repeat)]
    free_ns: defaultdict[str, int] = defaultdict(int)
    for call in sorted(calls, key=attrgetter("invoked_ns")):
        if isinstance(call, Operation):
            yield call, call.invoked_ns - max(call.intended_ns, free_ns[call.process])
        free_ns[call.process] = call.completed_ns


def _by_offset(
    operations: Iterable[Operation], span: Callable[[Operation], str]
) -> dict[str, Felt]:
    def place(operation: Operation) -> int:
        return SPANS.index(span(operation))

    ordered = sorted(operations, key=place)
    return {SPANS[at]: felt(list(found)) for at, found in groupby(ordered, place)}


def _gap_seconds(met: Iterable[Operation], failure: _Failure) -> float:
    """Give the time from the injection to the end of the last operation that was hurt."""
    ends = [o.completed_ns for o in met if _was_hurt(o, failure, HURT_SECONDS)]
    return failure.offset_seconds(max(ends)) if ends else 0.0


def _normality(
    baseline: Sequence[Operation], met: Sequence[Operation], failure: _Failure
) -> Normality:
    """Find the first moment from which on all that began was normal, and was seen to be so.

    What was under way at the healing proves nothing when it succeeded.
    """
    latencies = sorted(o.latency_ns / 1e9 for o in baseline)
    p99_seconds = percentile(latencies, 99) if latencies else None
    limit_seconds = max(NORMAL_LEAST_SECONDS, NORMAL_FACTOR * (p99_seconds or 0.0))
    strange = [o for o in met if _was_hurt(o, failure, limit_seconds)]
    after: float | None = 0.0
    if strange:
        last_ns = max(o.intended_ns for o in strange)
        seen = (o for o in met if o.completed_ns <= failure.healed_ns)
        later = [o.intended_ns for o in seen if o.intended_ns > last_ns]
        after = max(0.0, failure.offset_seconds(min(later))) if later else None
    return Normality(
        limit_seconds=limit_seconds,
        baseline_p99_ms=None if p99_seconds is None else p99_seconds * 1e3,
        after_seconds=after,
    )


def felt(operations: Sequence[Operation]) -> Felt:
    """Count what failed, and give the latencies."""
    latencies = sorted(o.latency_ns / 1e6 for o in operations) or [0.0]
    return Felt(
        operations=len(operations),
        failed=sum(_is_failed(o) for o in operations),
        p50_ms=percentile(latencies, 50),
        p99_ms=percentile(latencies, 99),
        max_ms=latencies[-1],
    )


def _kind(operation: Operation) -> str:
    return f"{operation.kind}-by-{operation.addressing}"


def _was_hurt(operation: Operation, failure: _Failure, limit_seconds: float) -> bool:
    return _is_failed(operation) or failure.suffered_seconds(operation) > limit_seconds


def _is_failed(operation: Operation) -> bool:
    return operation.completion is not Completion.OK


def _ending(operation: Operation) -> str:
    """Say in a word or two how an operation failed: by a status, or by an error without one."""
    if operation.http_status:
        return f"status {operation.http_status}"
    return operation.error.partition("(")[0]
