"""The swim lanes: each thing in its lane, at its time, apart from what it overlaps."""

from typing import Any

from harness.model.cost import CostSample
from harness.model.history import CLIENTS_STOPPED, PHASE_STARTED, Milestone
from harness.model.observation import ServerEnding
from harness.model.schedule import Schedule, ScheduledFault
from harness.report.html.beliefs import beliefs, detections
from harness.report.html.facts import RunFacts
from harness.report.html.lanes import lanes
from harness.report.html.server_lanes import server_names
from harness.report.html.spans import Lane
from tests.unit.checkers.histories import OLD, SECOND, add, history
from tests.unit.checkers.observed import fault, says

PHASES = [
    Milestone(name=PHASE_STARTED, at_ns=0, detail="baseline"),
    Milestone(name=PHASE_STARTED, at_ns=3 * SECOND, detail="chaos"),
    Milestone(name=CLIENTS_STOPPED, at_ns=20 * SECOND),
]


def facts(*records: Any, **more: Any) -> RunFacts:
    return RunFacts(history(add(OLD, 0, 1), *PHASES, *records), **more)


def all_lanes(made: RunFacts) -> dict[str, Lane]:
    believed = beliefs(made.history)
    found = lanes(made, believed, detections(made.history, believed))
    return {lane.title: lane for lane in found}


def spans(lane: Lane) -> list[tuple[float, float, str]]:
    return [(span.begin, span.end, span.label) for span in lane.spans]


def planned(at: float, words: str = "kill primary") -> Schedule:
    return Schedule(
        seed=1,
        seconds=10,
        faults=(ScheduledFault(fault=words, at_seconds=at, seconds=4),),
    )


def test_phases_last_until_the_next_one_and_milestones_are_marks() -> None:
    lane = all_lanes(facts())["Phases"]
    assert spans(lane) == [
        (0.0, 3.0, "baseline"),
        (3.0, 20.0, "chaos"),
        (20.0, 20.0, "clients-stopped"),
    ]
    assert lane.rows == 1


def test_a_schedule_counts_from_the_phase_in_which_its_first_fault_came() -> None:
    window = fault("kill", "primary", 5.1, 9)
    assert spans(all_lanes(facts(window, schedule=planned(2)))["Planned faults"]) == [
        (5.0, 9.0, "kill primary")
    ]
    assert spans(all_lanes(facts(window, schedule=planned(5)))["Planned faults"]) == [
        (5.0, 9.0, "kill primary")
    ]


def test_faults_that_overlap_lie_in_rows_of_their_own() -> None:
    lane = all_lanes(
        facts(
            fault("kill", "primary", 4, 8, index=0),
            fault("pause", "replica", 6, 9, index=1),
            fault("kill", "lb", 8, 10, index=2),
        )
    )["Observed faults"]
    assert [(span.label, span.row) for span in lane.spans] == [
        ("kill primary", 0),
        ("pause replica", 1),
        ("kill lb", 0),
    ]
    assert lane.rows == 2


def test_a_fault_that_was_never_seen_is_doubtful_and_its_evidence_is_told() -> None:
    (span,) = all_lanes(facts(fault("kill", "primary", 4, 8, seen=False)))["Observed faults"].spans
    assert span.look == "doubt"
    assert "not seen to take effect" in span.detail


def test_what_the_lb_says_and_the_gap_before_it_have_lanes() -> None:
    answers = [
        says("/status", {"instances": [{"name": "primary", "state": state}]}, at)
        for at, state in ((1, "UP"), (5, "DOWN"), (9, "UP"))
    ]
    found = all_lanes(facts(*answers, fault("kill", "primary", 4, 8)))
    assert spans(found["lb says: primary"]) == [
        (1.01, 5.01, "UP"),
        (5.01, 9.01, "DOWN"),
        (9.01, 20.0, "UP"),
    ]
    assert spans(found["Detection gap"]) == [(4.0, 5.01, "1.01 s")]


def test_a_server_runs_as_long_as_it_is_measured_and_says_what_befell_it() -> None:
    costs = tuple(
        CostSample(at_ns=second * SECOND, server="primary", rss_bytes=1, cpu_seconds=0)
        for second in (0, 1, 2, 8, 9)
    )
    ending = ServerEnding(server="lb", alive_ns=12 * SECOND, ending="exit code 3")
    made = facts(fault("kill", "primary", 2.6, 8), ending, costs=costs)
    found = all_lanes(made)
    assert server_names(made) == ["primary", "lb"]
    assert spans(found["primary"]) == [(0.0, 2.6, ""), (2.6, 8.0, "kill"), (8.0, 9.0, "")]
    assert found["primary"].rows == 1
    assert spans(found["lb"]) == [(12.0, 20.0, "ended by itself")]
