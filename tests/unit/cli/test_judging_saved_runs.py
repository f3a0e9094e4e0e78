from pathlib import Path

import pytest

from harness.checkers.judge import judge
from harness.cli import main
from harness.model.final_state import write_final_states
from harness.model.history import HistoryWriter
from harness.runner.run_directory import RunDirectory, verdict_file
from tests.unit.checkers.histories import COLLECTION, DOCUMENT, OLD, add, created, final, history


@pytest.fixture
def saved(tmp_path: Path) -> RunDirectory:
    """A run whose document is lost on one instance."""
    directory = RunDirectory(tmp_path / "run")
    directory.create()
    directory.describe({"scenario": "test", "seed": 1})
    finals = (final(OLD), final(instance="replica"))
    with HistoryWriter(directory.history, history().header) as log:
        for record in (created(), add(OLD, 2, 3)):
            log.append(record)
    write_final_states(directory.final, finals)
    directory.verdict.write_bytes(verdict_file(log.history, judge(log.history, finals)))
    return directory


def judge_again(saved: RunDirectory) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["judge", str(saved.path)])
    assert ended.value.code == 1


def test_judging_again_tells_that_the_verdict_file_is_the_same(saved: RunDirectory, capsys) -> None:
    judge_again(saved)
    assert capsys.readouterr().out.endswith("verdict.json: the same\n")


def test_judging_again_tells_that_the_verdict_file_differs(saved: RunDirectory, capsys) -> None:
    saved.verdict.write_bytes(saved.verdict.read_bytes().replace(b'"lost": 1', b'"lost": 0'))
    judge_again(saved)
    assert capsys.readouterr().out.endswith("verdict.json: it differs\n")


def test_the_summary_shows_the_biography_with_the_violation(saved: RunDirectory, capsys) -> None:
    judge_again(saved)
    assert "at rest     replica holds nothing" in capsys.readouterr().out


def test_a_document_of_a_run_has_a_biography(saved: RunDirectory, capsys) -> None:
    assert main(["show", str(saved.path), "--document", f"{COLLECTION}/{DOCUMENT}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[-1] == "at rest     replica holds nothing"


def test_a_document_that_the_run_does_not_know_is_refused(saved: RunDirectory, capsys) -> None:
    assert main(["show", str(saved.path), "--document", "nonsense"]) == 2
    assert "no document 'nonsense' in that run" in capsys.readouterr().err
