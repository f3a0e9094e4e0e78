from dataclasses import replace

import pytest

from harness.pytest_plugin.cases import COULD_NOT_RUN, ROW, SKIPPED, Case
from harness.pytest_plugin.table import summary_lines

KEPT = Case(
    scenario="normal",
    use_case="Use case 1, normal operation",
    promise="Nothing is lost.",
    seed=7,
    files="/runs/one",
    again=("pytest scenarios/test_one.py --chaos-seed 7", ""),
    verdict="pass",
    operations=1234.0,
    failed=0.0,
    lost=0.0,
    gap_seconds=0.0831,
    converge_seconds=1.3472,
)


def report(
    case: Case | None, test: str, outcome: str = "passed", when: str = "call"
) -> pytest.TestReport:
    """A report as it comes from another process (pytest-xdist), that is through JSON."""
    made = pytest.TestReport(test, ("", 0, ""), {}, outcome, None, when)  # type: ignore[arg-type]
    if case is not None:
        setattr(made, ROW, case.as_row())
    return pytest.TestReport._from_json(made._to_json())


def cells(line: str) -> list[str]:
    return [cell for cell in line.split("  ") if cell.strip()]


def test_a_run_is_one_row_whatever_the_number_of_its_tests() -> None:
    reports = [
        *(report(KEPT, f"test_{n}", when=when) for n in range(3) for when in ("setup", "call")),
        report(KEPT, "test_3", "failed"),
        report(KEPT, "test_4", "skipped", "setup"),
        report(None, "test_of_something_else"),
    ]
    lines = summary_lines(reports, 140)
    row = next(line for line in lines if "(normal)" in line)
    assert [cell.strip() for cell in cells(row)] == [
        "Use case 1, normal operation (normal)",
        *("pass", "3 of 4", "1,234", "0", "0", "0.083", "1.347", "7"),
    ]
    assert lines[-1] == "1 scenarios: 1 pass"


def test_what_was_not_run_has_its_reason_and_no_figures() -> None:
    unknown = {"operations": None, "failed": None, "lost": None}
    without = replace(KEPT, **unknown, gap_seconds=None, converge_seconds=None)
    skipped = replace(without, files="/runs/two", verdict=SKIPPED, reason="it takes root")
    dead = replace(without, files="/runs/three", verdict=COULD_NOT_RUN, reason="lb did not start")
    reports = [
        report(skipped, "test_a", "skipped", "setup"),
        report(dead, "test_b", "failed", "setup"),
    ]
    lines = summary_lines(reports, 80)
    assert "normal skipped: it takes root" in lines
    assert "normal could not run: lb did not start" in lines
    assert lines[-1] == "2 scenarios: 1 could not run, 1 skipped"
    assert sum(line.count(" - ") for line in lines) >= 10


def test_a_promise_that_was_not_kept_is_told() -> None:
    broken = replace(KEPT, verdict="fail")
    lines = summary_lines([report(broken, "test_a", "failed")], 80)
    assert "normal fail; promised: Nothing is lost." in lines


def test_a_scenario_that_was_never_asked_for_is_not_shown() -> None:
    assert summary_lines([report(replace(KEPT, verdict="not run"), "test_a", "skipped")], 80) == []
    assert summary_lines([report(None, "test_a")], 80) == []
