from harness.store.glance import Figures, Glance, Word
from harness.store.trends import trends_of


def run(day: int, scenario: str = "normal", word: Word = Word.PASS, **figures: float) -> Glance:
    return Glance(
        f"{day}-{scenario}",
        "",
        word,
        scenario=scenario,
        started_at=f"2026-01-0{day}",
        figures=Figures(**figures),
    )


def test_each_scenario_has_its_runs_in_the_order_of_time() -> None:
    trends = trends_of([run(3), run(1), run(2, "random"), run(4, word=Word.UNREADABLE)])
    assert [trend.scenario for trend in trends] == ["normal", "random"]
    assert [each.name for each in trends[0].runs] == ["1-normal", "3-normal"]
    assert trends[0].last.name == "3-normal"


def test_a_trend_counts_verdicts_and_finds_the_worst() -> None:
    (trend,) = trends_of([run(1, gap_seconds=0.5), run(2, word=Word.FAIL, gap_seconds=2.0), run(3)])
    assert trend.counts == {"pass": 2, "fail": 1}
    assert trend.worst("gap_seconds") == 2.0
    assert trend.worst("converge_seconds") is None


def test_a_figure_of_zero_is_a_figure() -> None:
    (trend,) = trends_of([run(1, gap_seconds=0.0)])
    assert trend.worst("gap_seconds") == 0.0


def test_charts_have_a_value_or_a_hole_for_every_run_and_mark_those_that_failed() -> None:
    (trend,) = trends_of([run(1, gap_seconds=0.5), run(2, word=Word.FAIL)])
    (chart,) = trend.charts()
    assert chart["x"] == [1, 2]
    assert chart["series"] == [{"label": "longest gap", "values": [0.5, None]}]
    assert chart["failed"] == [False, True]
    assert chart["runs"] == ["1-normal: pass", "2-normal: fail"]
