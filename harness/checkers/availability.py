"""Judges what clients felt: operations that did not succeed, and the longest gap.

The **gap** of an operation is the time from its intended start until the same client process next
had a success of the same sort (read or write): for an operation that succeeded its own latency, for
one that did not the time until a later one did, or until the process's last operation ended.
Operations of the steady state, before the baseline, are not counted.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from harness.model.final_state import FinalState
from harness.model.history import STEADY_STATE, History
from harness.model.operation import Completion, Operation
from harness.model.verdict import Verdict, Violation, decide

NAME = "availability"
PERCENTILES = (50, 95, 99)

_SHOWN = 50


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Compare failed operations and the longest gap with the limits."""
    del finals
    limits = history.header.limits
    operations = [o for o in history.operations if o.phase != STEADY_STATE]
    failed = [o for o in operations if o.completion is not Completion.OK]
    gap_seconds, at = longest_gap(operations)
    violations: list[Violation] = []
    if limits.failed_operations is not None and len(failed) > limits.failed_operations:
        message = (
            f"{len(failed)} of {len(operations)} operations did not succeed, "
            f"the limit is {limits.failed_operations}"
        )
        violations.append(Violation(message, tuple(_describe(o) for o in failed[:_SHOWN])))
    if limits.gap_seconds is not None and gap_seconds > limits.gap_seconds:
        message = (
            f"a client saw a gap of {gap_seconds:.3f} s, the limit is {limits.gap_seconds:g} s"
        )
        violations.append(Violation(message, (at,)))
    figures = {
        "operations": float(len(operations)),
        "acknowledged_writes": float(sum(_is_acknowledged(o) for o in operations)),
        "acknowledged_documents": float(sum(len(o.ids) for o in operations if _is_acknowledged(o))),
        "failed": float(len(failed)),
        "gap_seconds": gap_seconds,
        **_percentiles(operations),
        **_by_kind(operations),
    }
    return decide(NAME, len(operations), violations, figures)


def longest_gap(operations: Sequence[Operation]) -> tuple[float, str]:
    """Find the longest gap in seconds, and the operation that it began with."""
    longest, at = 0, ""
    for operation, until_ns in _all_gap_ends(operations):
        if until_ns - operation.intended_ns > longest:
            longest, at = until_ns - operation.intended_ns, _describe(operation)
    return longest / 1e9, at


def _all_gap_ends(operations: Sequence[Operation]) -> Iterator[tuple[Operation, int]]:
    tracks: dict[tuple[str, bool], list[Operation]] = defaultdict(list)
    for operation in operations:
        tracks[operation.process, operation.kind.is_write].append(operation)
    for track in tracks.values():
        yield from _gap_ends(track)


def _gap_ends(track: Sequence[Operation]) -> list[tuple[Operation, int]]:
    """Pair each operation with the moment when its process next had a success."""
    ordered = sorted(track, key=attrgetter("completed_ns"))
    until_ns = ordered[-1].completed_ns
    pairs: list[tuple[Operation, int]] = []
    for operation in reversed(ordered):
        if operation.completion is Completion.OK:
            until_ns = operation.completed_ns
        pairs.append((operation, until_ns))
    return pairs


def _percentiles(operations: Sequence[Operation]) -> dict[str, float]:
    """Latency from the intended start, in milliseconds, by phase and sort of operation."""
    figures: dict[str, float] = {}

    def key(operation: Operation) -> tuple[str, str]:
        return operation.phase, "write" if operation.kind.is_write else "read"

    for (phase, sort), group in groupby(sorted(operations, key=key), key):
        figures |= _latencies(f"{phase}.{sort}", list(group))
    return figures


def _by_kind(operations: Sequence[Operation]) -> dict[str, float]:
    """Give failures, the longest gap and latencies of each kind, by how it names documents.

    The gap ends with the next success of any operation of the same sort: a client that deletes
    once a minute does not wait for a minute.
    """
    figures: dict[str, float] = {}
    names = {o.name: f"{o.kind}-by-{o.addressing}" for o in operations}
    gaps: dict[str, int] = defaultdict(int)
    for operation, until_ns in _all_gap_ends(operations):
        kind = names[operation.name]
        gaps[kind] = max(gaps[kind], until_ns - operation.intended_ns)
    for kind in sorted(set(names.values())):
        found = [o for o in operations if names[o.name] == kind]
        failed = sum(o.completion is not Completion.OK for o in found)
        figures[f"{kind}.failed"] = failed
        figures[f"{kind}.gap_seconds"] = round(gaps[kind] / 1e9, 3)
        figures |= _latencies(kind, found)
    return figures


def _latencies(name: str, operations: Sequence[Operation]) -> dict[str, float]:
    latencies = sorted(o.latency_ns / 1e6 for o in operations)
    return {
        f"{name}.count": len(latencies),
        **{f"{name}.p{n}_ms": round(percentile(latencies, n), 1) for n in PERCENTILES},
        f"{name}.max_ms": round(latencies[-1], 1),
    }


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Give the smallest value that `percent` % of all do not exceed (nearest rank)."""
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(rank, 1) - 1]


def _is_acknowledged(operation: Operation) -> bool:
    return operation.kind.is_write and operation.completion is Completion.OK


def _describe(operation: Operation) -> str:
    return (
        f"{operation.name}: {operation.kind} in {operation.phase}, {operation.completion}, "
        f"{operation.latency_ns / 1e6:.0f} ms, status {operation.http_status or 'none'} "
        f"{operation.error}".rstrip()
    )
