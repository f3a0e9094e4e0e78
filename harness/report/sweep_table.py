"""Owns the table of a sweep: what each injection of the fault met, and what clients saw of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from harness.model.fault_window import FaultWindow
from harness.model.history import CONVERGED, History
from harness.model.operation import Completion, Operation


@dataclass(frozen=True)
class SweepRow:
    """One injection; what was never seen to happen is None.

    `injected_ms` is the time from the event to the injection as measured, which for an event that
    was stopped meanwhile no other party saw pass. The operations are those that were under way, or
    began, between the event and the moment when the fault was seen to be healed.
    """

    offset_ms: int
    injected_ms: float | None
    in_flight: int
    operations: int
    failed: int
    in_doubt: int
    slowest_ms: float
    converged_seconds: float | None


def sweep_rows(history: History) -> Iterator[SweepRow]:
    """Yield a row for each fault that had a trigger, in the order in which they were planned."""
    for index in sorted(history.fault_windows):
        window = history.fault_windows[index]
        if window.trigger:
            yield _row(history, window)


def _row(history: History, window: FaultWindow) -> SweepRow:
    met = [each for each in history.operations if _meets(each, window)]
    injected_ns = window.injected_ns
    in_flight = [each for each in met if each.invoked_ns <= injected_ns < each.completed_ns]
    converged = history.milestone(CONVERGED, str(window.index))
    return SweepRow(
        offset_ms=window.offset_milliseconds,
        injected_ms=(injected_ns - window.event_ns) / 1e6 if injected_ns else None,
        in_flight=len(in_flight),
        operations=len(met),
        failed=sum(each.completion is Completion.FAIL for each in met),
        in_doubt=sum(each.completion is Completion.INFO for each in met),
        slowest_ms=max((each.latency_ns / 1e6 for each in met), default=0.0),
        converged_seconds=(
            (converged.at_ns - window.heal_observed_ns) / 1e9 if converged is not None else None
        ),
    )


def _meets(operation: Operation, window: FaultWindow) -> bool:
    return operation.completed_ns >= window.event_ns and (
        operation.invoked_ns <= window.heal_observed_ns
    )


def print_sweep(console: Console, history: History) -> None:
    """Print a line for each injection."""
    table = Table(box=None, padding=(0, 1))
    for heading in (
        "offset",
        "measured",
        "in flight",
        "operations",
        "failed",
        "in doubt",
        "slowest",
        "converged",
    ):
        table.add_column(heading, justify="right")
    for row in sweep_rows(history):
        table.add_row(
            f"{row.offset_ms} ms",
            "never" if row.injected_ms is None else f"{row.injected_ms:.1f} ms",
            str(row.in_flight),
            str(row.operations),
            str(row.failed),
            str(row.in_doubt),
            f"{row.slowest_ms:.0f} ms",
            "never" if row.converged_seconds is None else f"{row.converged_seconds:.2f} s",
        )
    console.print(table)
