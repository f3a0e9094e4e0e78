from harness.model.fault_window import FaultWindow
from harness.model.history import CONVERGED, Header, History, Limits, Milestone
from harness.model.operation import Addressing, Completion, Kind, Operation
from harness.report.sweep_table import SweepRow, sweep_rows

MS = 1_000_000


def operation(number: int, begins_ms: int, ends_ms: int, completion: Completion) -> Operation:
    return Operation(
        kind=Kind.ADD,
        addressing=Addressing.IDS,
        collection="AUTOTEST_1",
        process="client-1",
        number=number,
        phase="0 ms",
        completion=completion,
        intended_ns=begins_ms * MS,
        invoked_ns=begins_ms * MS,
        completed_ns=ends_ms * MS,
    )


def history(*operations: Operation, **of_window: object) -> History:
    header = Header(scenario="sweep", seed=1, dimensions=4, prefix="A", limits=Limits())
    made = History(header, list(operations))
    made.append(
        FaultWindow(
            **{
                "index": 0,
                "fault": "kill primary",
                "target": "primary",
                "trigger": "entry-visible",
                "offset_milliseconds": 5,
                "event_ns": 100 * MS,
                "injected_ns": 106 * MS,
                "heal_observed_ns": 200 * MS,
                **of_window,
            }
        )
    )
    return made


def test_a_row_counts_what_was_under_way_between_the_event_and_the_healing() -> None:
    made = history(
        operation(1, 10, 99, Completion.FAIL),
        operation(2, 90, 130, Completion.OK),
        operation(3, 101, 105, Completion.FAIL),
        operation(4, 150, 950, Completion.INFO),
        operation(5, 201, 202, Completion.INFO),
    )
    made.append(Milestone(name=CONVERGED, at_ns=1700 * MS, detail="0"))
    assert list(sweep_rows(made)) == [
        SweepRow(
            offset_ms=5,
            injected_ms=6.0,
            in_flight=1,
            operations=3,
            failed=1,
            in_doubt=1,
            slowest_ms=800.0,
            converged_seconds=1.5,
        )
    ]


def test_what_never_happened_has_no_figure() -> None:
    (row,) = sweep_rows(history(event_ns=0, injected_ns=0, heal_observed_ns=0))
    assert (row.injected_ms, row.operations, row.converged_seconds) == (None, 0, None)


def test_a_fault_without_a_trigger_is_no_part_of_the_sweep() -> None:
    assert list(sweep_rows(history(trigger=""))) == []
