from harness.model.fault_window import FaultWindow
from harness.model.history import CLIENTS_STOPPED, PHASE_STARTED, Milestone
from harness.model.observation import ServerEnding
from harness.model.operation import Completion, Kind
from harness.report.timeline import timeline
from tests.unit.checkers.histories import OLD, SECOND, history, operation


def test_everything_is_told_in_its_order_from_the_first_operation_on() -> None:
    told = timeline(
        history(
            operation(Kind.ADD, 10 * SECOND, 11 * SECOND, tokens=[OLD]),
            operation(Kind.ADD, 13 * SECOND, 14 * SECOND, Completion.INFO, tokens=[OLD]),
            operation(Kind.GET, 13 * SECOND + 9, 14 * SECOND, Completion.FAIL, ids=["f/0"]),
            Milestone(name=PHASE_STARTED, at_ns=11 * SECOND, detail="baseline"),
            Milestone(name=CLIENTS_STOPPED, at_ns=50 * SECOND),
            ServerEnding(server="lb", alive_ns=12 * SECOND, ending="exit code 3"),
            FaultWindow(
                index=0,
                fault="kill primary",
                target="primary",
                injected_ns=20 * SECOND,
                effect_observed_ns=21 * SECOND,
                effect_evidence="it is gone",
                healed_ns=30 * SECOND,
            ),
        )
    )
    lines = list(timeline_of(told))
    assert lines == [
        (1.0, "phase baseline"),
        (2.0, "lb ended by itself with exit code 3, and was not started again"),
        (3.0, "2 operations did not succeed: add, get"),
        (10.0, "kill primary: injected"),
        (11.0, "kill primary: it is gone"),
        (20.0, "kill primary: healed"),
        (40.0, "clients-stopped"),
    ]


def timeline_of(lines):
    for line in lines:
        seconds, _, text = line.strip().partition(" s  ")
        yield float(seconds), text


def test_a_run_without_anything_has_an_empty_timeline() -> None:
    assert list(timeline(history())) == []
