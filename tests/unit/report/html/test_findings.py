"""Which operation a violation is about, when it was, and which fault was in force."""

from typing import Any

from harness.model.observation import ServerEnding
from harness.model.verdict import Verdict, Violation, decide
from harness.report.html.facts import RunFacts
from harness.report.html.findings import MOST_SHOWN, Event, Finding, abridged, findings, not_shown
from tests.unit.checkers.histories import (
    COLLECTION,
    DOCUMENT,
    NEW,
    OLD,
    SECOND,
    add,
    history,
    upsert,
)
from tests.unit.checkers.observed import fault

WRITES = (add(OLD, 0, SECOND), upsert(NEW, 4 * SECOND, 5 * SECOND))
SUBJECT = f"{COLLECTION}/{DOCUMENT}"


def found(violation: Violation, *records: Any) -> Finding:
    verdict = decide("durability", 1, [violation])
    (finding,) = findings(RunFacts(history(*WRITES, *records), (verdict,)))
    return finding


def test_the_operation_that_a_checker_names_is_described() -> None:
    finding = found(Violation("lost", operation=WRITES[0].name), fault("kill", "primary", 0.5, 2))
    assert finding.operation == WRITES[0].name
    assert finding.what == f"add by ids of {SUBJECT}"
    assert finding.when.startswith("asked for at 0.000 s, was answered as done 1000 ms later")
    assert finding.faults == "kill primary, from 0.50 s to 2.00 s"
    assert (finding.at, finding.until) == (0.0, 1.0)


def test_else_it_is_the_last_acknowledged_write_of_the_document_that_the_message_names() -> None:
    finding = found(Violation(f"{SUBJECT} differs in presence"))
    assert finding.document == SUBJECT
    assert finding.operation == WRITES[1].name


def test_else_it_is_the_first_operation_of_the_evidence() -> None:
    finding = found(Violation("1 of 2 failed", (f"{WRITES[1].name}: upsert in chaos, info",)))
    assert finding.operation == WRITES[1].name


def test_what_is_about_no_operation_has_no_time() -> None:
    finding = found(Violation("instances never agreed"))
    assert (finding.operation, finding.at) == ("", None)


def test_where_no_fault_was_in_force_the_nearest_one_is_told() -> None:
    lost = Violation("lost", operation=WRITES[1].name)
    before, after = fault("kill", "lb", 1, 2), fault("pause", "lb", 8, 9, index=1)
    assert found(lost).faults == "none in this run"
    assert found(lost, before, after).faults == (
        "none; over 2.00 s before: kill lb, from 1.00 s to 2.00 s"
    )
    assert found(lost, after).faults == ("none; 3.00 s later: pause lb, from 8.00 s to 9.00 s")


def test_a_server_that_ended_by_itself_counts_as_a_fault() -> None:
    ending = ServerEnding(server="lb", alive_ns=4 * SECOND, ending="exit code 1", answered_ns=0)
    finding = found(Violation("lost", operation=WRITES[1].name), ending)
    assert finding.faults == "lb ended by itself, from 4.00 s on"


def test_a_biography_keeps_its_moments_and_marks_the_operation_and_the_faults() -> None:
    lines = (
        f"   0.000 s  {WRITES[0].name} add by ids f/0@old: ok",
        "   1.500 s  fault kill primary injected",
        "at rest     primary holds nothing",
    )
    finding = found(Violation("lost", biography=lines, operation=WRITES[0].name))
    assert [(event.at, event.look) for event in finding.biography] == [
        (0.0, "it"),
        (1.5, "fault"),
        (None, ""),
    ]


def test_only_the_first_violations_of_a_checker_are_shown_and_the_rest_is_counted() -> None:
    many = [Violation(f"lost {n}") for n in range(MOST_SHOWN + 3)]
    verdicts: tuple[Verdict, ...] = (decide("a", 1, many), decide("b", 1, many[:1]))
    shown = findings(RunFacts(history(), verdicts))
    assert [each.number for each in shown] == list(range(1, MOST_SHOWN + 2))
    assert [not_shown(verdict) for verdict in verdicts] == [3, 0]


def test_a_long_biography_keeps_its_ends_and_what_is_around_the_operation() -> None:
    events = [Event(float(n), str(n), "it" if n == 5_000 else "") for n in range(10_000)]
    shown = abridged(events)
    texts = [event.text for event in shown]
    assert len(shown) < 130
    assert texts[:2] == ["0", "1"]
    assert texts[-1] == "9999"
    assert {"4970", "5000", "5010"} <= set(texts)
    left_out = [event.text for event in shown if event.look == "left-out"]
    assert len(left_out) == 2
    assert left_out[0].endswith("more, which are in verdict.json)")
    hidden = sum(int(text[1:].split()[0].replace(",", "")) for text in left_out)
    assert hidden + len(shown) - 2 == len(events)


def test_a_short_biography_is_whole() -> None:
    events = [Event(float(n), str(n), "") for n in range(100)]
    assert abridged(events) == tuple(events)
