"""What the load balancer believed of each instance, and how long it took to notice a fault."""

from typing import Any

from harness.model.history import History
from harness.report.html.beliefs import SILENT, STATUS, beliefs, detections
from tests.unit.checkers.histories import SECOND
from tests.unit.checkers.observed import fault, observed, says, silent

CLOCK = "2026-01-01T00:00:{:06.3f}+00:00"
"""The load balancer's clock, which shows 30 seconds when the run's shows none."""


def at_clock(seconds: float) -> str:
    return CLOCK.format(30 + seconds)


def status(at: float, state: str, *transitions: tuple[float, str], shift: float = 0.0) -> Any:
    return says(
        STATUS,
        {
            "generated_at": at_clock(at + 0.005 + shift),
            "instances": [{"name": "primary", "state": state, "cause": "seen"}],
            "last_transitions": [
                {
                    "at": at_clock(when + shift),
                    "instance": "primary",
                    "to": to,
                    "cause": "it failed",
                }
                for when, to in reversed(transitions)
            ],
        },
        at,
    )


def changes(history: History) -> list[tuple[float, str]]:
    return [(each.at_ns / SECOND, each.state) for each in beliefs(history)["primary"]]


def test_a_transition_is_told_by_its_own_time_whatever_the_clock_of_the_lb_shows() -> None:
    history = observed(
        status(1, "UP"),
        status(2, "UP", (1.4, "DOWN"), (1.9, "UP"), shift=20),
        status(3, "UP", (1.4, "DOWN"), (1.9, "UP"), shift=20),
    )
    assert changes(history) == [(1.01, "UP"), (1.4, "DOWN"), (1.9, "UP")]


def test_without_transitions_the_state_holds_from_the_answer_on_that_shows_it() -> None:
    history = observed(status(1, "UP"), status(2, "UP"), status(3, "DOWN"))
    assert changes(history) == [(1.01, "UP"), (3.01, "DOWN")]


def test_a_lb_that_tells_only_health_is_taken_at_its_word() -> None:
    rows = [{"name": "primary", "healthy": True}], [{"name": "primary", "healthy": False}]
    history = observed(*(says(STATUS, {"instances": row}, at) for at, row in enumerate(rows)))
    assert changes(history) == [(0.01, "healthy"), (1.01, "unhealthy")]


def test_silence_is_no_belief_of_its_own() -> None:
    history = observed(status(1, "UP"), silent(STATUS, 2), silent(STATUS, 3), status(4, "UP"))
    assert changes(history) == [(1.01, "UP"), (2.0, SILENT), (4.01, "UP")]


def test_nonsense_shows_nothing() -> None:
    assert beliefs(observed(says(STATUS, "<html>"), says(STATUS, {"instances": [1, {}]}))) == {}


def noticed(*records: Any) -> list[float | None]:
    history = observed(*records, fault("kill", "primary", 2, 8))
    return [
        None if each.noticed_ns is None else (each.noticed_ns - each.injected_ns) / SECOND
        for each in detections(history, beliefs(history))
    ]


def test_the_gap_ends_when_the_instance_is_doubted() -> None:
    assert noticed(status(1, "UP"), status(3, "DOWN", (2.5, "SUSPECT"), (2.7, "DOWN"))) == [0.5]


def test_silence_notices_nothing() -> None:
    assert noticed(status(1, "UP"), silent(STATUS, 3), status(4, "UP"), status(9, "UP")) == [None]


def test_what_is_noticed_after_the_healing_was_not_noticed() -> None:
    assert noticed(status(1, "UP"), status(9, "DOWN")) == [None]


def test_an_instance_that_was_avoided_already_leaves_no_gap() -> None:
    assert noticed(status(1, "DOWN"), status(5, "DOWN")) == [0.0]


def test_a_fault_of_something_else_has_no_detection() -> None:
    history = observed(status(1, "UP"), fault("kill", "postgres", 2, 3))
    assert detections(history, beliefs(history)) == []
