import os
from pathlib import Path

import pytest

from harness.errors import RunDirectoryError
from harness.store.glance import OUR_OWN, Word
from harness.store.index import Index
from tests.saved_runs import SavedRunPlan, save_gaps, save_run


@pytest.fixture
def index(tmp_path: Path) -> Index:
    save_run(tmp_path, SavedRunPlan(day=1))
    save_run(tmp_path, SavedRunPlan(day=2, lost=2, lb_command="python -m my_lb"))
    save_run(tmp_path, SavedRunPlan(day=3, is_judged=False))
    return Index(tmp_path)


def words(index: Index) -> dict[str, Word]:
    return {run.name: run.word for run in index.glances()}


def test_runs_are_there_at_a_glance_the_newest_first(index: Index) -> None:
    unfinished, failed, passed = index.glances()
    assert [each.word for each in (unfinished, failed, passed)] == ["unfinished", "fail", "pass"]
    assert (passed.scenario, passed.seed, passed.load_balancer) == ("primary-down", "7", OUR_OWN)
    assert (failed.failing, failed.load_balancer) == (("durability",), "python -m my_lb")
    assert passed.figures.operations == 320
    assert passed.figures.converge_seconds == 0.4
    # The slowest phase is the one in which the primary died.
    assert passed.figures.write_p99_ms is not None
    assert passed.figures.write_p99_ms > 100
    assert unfinished.figures.operations is None


@pytest.mark.parametrize("content", ["", "{", "[1]", '"text"', "\x00", "[" * 100_000])
@pytest.mark.parametrize("file", ["run.json", "verdict.json"])
def test_a_torn_file_makes_its_run_unreadable_and_no_other(
    index: Index, file: str, content: str
) -> None:
    before = words(index)
    name = next(name for name, word in before.items() if word is Word.PASS)
    (index.root / name / file).write_text(content)
    assert words(index) == before | {name: Word.UNREADABLE}
    (trouble,) = (run.trouble for run in index.glances() if run.name == name)
    assert "holds no readable run" in trouble


def test_a_run_that_has_a_history_only_is_unreadable(index: Index) -> None:
    name = index.glances()[0].name
    (index.root / name / "run.json").unlink()
    assert words(index)[name] is Word.UNREADABLE


def test_figures_of_any_kind_are_shown_as_they_are(index: Index) -> None:
    name = index.glances()[0].name
    odd = '{"scenario": ["a"], "seed": null, "started_at": 5, "configuration": "none"}'
    (index.root / name / "run.json").write_text(odd)
    (run,) = (run for run in index.glances() if run.name == name)
    assert (run.scenario, run.seed, run.started_at) == ("['a']", "?", "5")
    assert run.load_balancer == OUR_OWN


def test_a_change_is_seen_and_what_is_gone_is_gone(index: Index) -> None:
    passed = next(name for name, word in words(index).items() if word is Word.PASS)
    verdict = index.root / passed / "verdict.json"
    verdict.write_text(verdict.read_text().replace('"outcome": "pass"', '"outcome": "unknown"'))
    assert words(index)[passed] is Word.UNKNOWN
    verdict.unlink()
    assert words(index)[passed] is Word.UNFINISHED
    for file in (index.root / passed).glob("*.json*"):
        file.unlink()
    assert passed not in words(index)


def test_a_report_that_is_written_later_is_seen(index: Index) -> None:
    passed = next(run for run in index.glances() if run.word is Word.PASS)
    assert not passed.has_report
    index.directory(passed.name).report.write_text("<p>")
    assert [run.name for run in index.glances() if run.has_report] == [passed.name]


def test_runs_of_one_purpose_have_the_name_of_their_directory(index: Index) -> None:
    save_gaps(index.root, "20260401T000000-gap-7")
    groups = {run.name: run.group for run in index.glances() if run.group}
    gap = "20260401T000000-gap-7"
    assert groups == {f"{gap}/kill": gap, f"{gap}/pause": gap}


def test_other_files_and_directories_are_no_runs(index: Index) -> None:
    before = words(index)
    (index.root / "notes.txt").write_text("x")
    (index.root / "labs").mkdir()
    (index.root / "link").symlink_to(index.root / next(iter(before)))
    nameless = index.root / os.fsdecode(b"\xff-1")
    nameless.mkdir()
    (nameless / "run.json").write_text("{}")
    assert words(index) == before


@pytest.mark.parametrize("name", ["", ".", "..", "../other", "/etc", "labs", "no-run", "a/../b"])
def test_a_name_that_no_run_has_leads_nowhere(index: Index, name: str) -> None:
    outside = index.root.parent / "other"
    outside.mkdir(exist_ok=True)
    (outside / "run.json").write_text("{}")
    with pytest.raises(RunDirectoryError, match="there is no run"):
        index.directory(name)


def test_a_root_that_is_not_there_has_no_runs(tmp_path: Path) -> None:
    assert Index(tmp_path / "nowhere").glances() == []
