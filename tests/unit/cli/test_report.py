"""`chroma-chaos report`: the page of a saved run, whatever became of the run."""

from pathlib import Path

import click
import pytest

from harness.cli import main
from harness.runner.run_directory import RunDirectory
from tests.unit.report.html.long_runs import write_long_run


@pytest.fixture
def saved(tmp_path: Path) -> RunDirectory:
    return write_long_run(tmp_path / "run", 50)


def test_the_report_is_written_into_the_run_and_named(saved: RunDirectory, capsys) -> None:
    assert main(["report", str(saved.path)]) == 0
    assert capsys.readouterr().out == f"{saved.report}\n"
    assert "All 1 checkers pass" in saved.report.read_text()


def test_it_is_opened_only_when_that_is_asked_for(
    saved: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", opened.append)
    main(["report", str(saved.path)])
    assert opened == []
    main(["report", str(saved.path), "--open"])
    assert opened == [str(saved.report)]


def test_an_interrupted_run_has_a_report_that_says_so(saved: RunDirectory) -> None:
    saved.verdict.unlink()
    torn = saved.history.read_bytes()[:-30]
    saved.history.write_bytes(torn)
    assert main(["report", str(saved.path)]) == 0
    page = saved.report.read_text()
    assert "interrupted before it was judged" in page
    assert "not judged" in page


def test_a_run_without_a_history_has_none(saved: RunDirectory, capsys) -> None:
    saved.history.unlink()
    assert main(["report", str(saved.path)]) == 2
    assert "does not hold a run that can be judged" in capsys.readouterr().err
    assert not saved.report.exists()
