from pathlib import Path

import msgspec
import pytest

from harness.model.history import read_history
from harness.runner.run_directory import RunDirectory
from harness.runner.run_store import read_run
from harness.store.comparison import Comparison
from harness.store.latency import latency_charts
from tests.saved_runs import SavedRunPlan, save_run
from tests.unit.checkers.histories import SECOND


@pytest.fixture
def both(tmp_path: Path) -> tuple[RunDirectory, RunDirectory]:
    return (
        save_run(tmp_path, SavedRunPlan(day=1)),
        save_run(tmp_path, SavedRunPlan(day=2, seed=8, lost=2, slower=2.0, lb_command="theirs")),
    )


@pytest.fixture
def comparison(both: tuple[RunDirectory, RunDirectory]) -> Comparison:
    return Comparison(*(read_run(each) for each in both))


def test_checkers_that_disagree_come_first(comparison: Comparison) -> None:
    first, *others = comparison.verdicts()
    assert (first.what, first.left, first.right) == ("durability", "pass", "fail, 2 violations")
    assert [pair.what for pair in others] == ["availability", "convergence", "phantom"]
    assert not any(pair.differs for pair in others)


def test_a_run_without_a_verdict_can_be_compared(tmp_path: Path) -> None:
    judged = read_run(save_run(tmp_path, SavedRunPlan(day=1)))
    other = read_run(save_run(tmp_path, SavedRunPlan(day=2, is_judged=False)))
    comparison = Comparison(judged, other)
    assert {pair.right for pair in comparison.verdicts()} == {"not judged"}
    assert [pair.right for pair in comparison.figures()] == ["-"] * 6
    assert all(pair.right == "-" for _, _, pairs in comparison.latencies() for pair in pairs)


def test_figures_say_how_far_apart_they_are(comparison: Comparison) -> None:
    pairs = {pair.what: pair for pair in comparison.figures()}
    converge = pairs["time to converge"]
    assert (converge.left, converge.right, converge.change) == ("0.400 s", "0.800 s", "+0.400 s")
    assert pairs["operations"].change == ""


def test_latencies_are_paired_by_phase_and_sort(comparison: Comparison) -> None:
    rows = [(phase, sort) for phase, sort, _ in comparison.latencies()]
    phases = ("baseline", "primary down", "recovery")
    assert rows == [(phase, sort) for phase in phases for sort in ("read", "write")]


def test_only_what_was_made_differently_is_told(comparison: Comparison) -> None:
    making = {pair.what: (pair.left, pair.right) for pair in comparison.making()}
    assert making == {"seed": ("7", "8"), "configuration.lb_command": ("None", "theirs")}


def test_latencies_lie_on_one_time_axis_with_the_faults_of_both(
    both: tuple[RunDirectory, RunDirectory],
) -> None:
    charts = latency_charts([read_history(each.history) for each in both])
    titles = ["Latency of reads", "Latency of writes", "Operations that did not succeed"]
    assert [chart["title"] for chart in charts] == titles
    for chart in charts:
        assert chart["x"] == list(range(16))
        assert all(len(series["values"]) == 16 for series in chart["series"])
        assert [window["side"] for window in chart["windows"]] == ["A", "B"]
        assert (chart["windows"][0]["from"], chart["windows"][0]["to"]) == (3.0, 11.0)
    labels = [series["label"] for series in charts[1]["series"]]
    assert labels == ["A p50", "A p99", "B p50", "B p99"]
    of_a, of_b = charts[1]["series"][1]["values"], charts[1]["series"][3]["values"]
    assert of_a.index(max(of_a)) == of_b.index(max(of_b)) == 3
    failed = [series["values"] for series in charts[2]["series"]]
    assert sum(failed[0]) == 0
    assert failed[1][3] == sum(failed[1]) > 0


def test_a_long_run_has_no_more_points_than_can_be_seen(tmp_path: Path) -> None:
    history = read_history(save_run(tmp_path, SavedRunPlan()).history)
    last = history.operations[-1]
    history.operations.append(msgspec.structs.replace(last, intended_ns=7200 * SECOND))
    charts = latency_charts([history, history])
    assert all(len(chart["x"]) <= 241 for chart in charts)


def test_runs_in_which_nothing_was_asked_have_no_charts(
    both: tuple[RunDirectory, RunDirectory],
) -> None:
    histories = [read_history(each.history) for each in both]
    for history in histories:
        history.operations.clear()
    assert latency_charts(histories) == []
