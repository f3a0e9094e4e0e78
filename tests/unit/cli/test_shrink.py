from pathlib import Path

import pytest

from harness.cli import main
from harness.model.history import Header, HistoryWriter, Limits
from harness.model.schedule import Schedule
from harness.model.verdict import Outcome, Verdict
from harness.runner.run_directory import RunDirectory, write_json

LOST = Verdict(checker="durability", outcome=Outcome.FAIL, examined=1)
WELL = Verdict(checker="phantom", outcome=Outcome.PASS, examined=1)


def save(root: Path, verdicts: list[Verdict], options: list[str] | None) -> RunDirectory:
    """Save what `shrink` reads of a run; one of an older version has no options."""
    directory = RunDirectory(root / "saved")
    directory.create()
    directory.describe(
        {"scenario": "scheduled", "seed": 7} | ({"options": options} if options else {})
    )
    judgement = {"outcome": Outcome.FAIL, "limits": Limits(), "verdicts": verdicts}
    write_json(directory.verdict, judgement)
    write_json(directory.schedule, Schedule(seed=7, seconds=9.0, faults=()))
    header = Header(scenario="scheduled", seed=7, dimensions=4, prefix="AUTOTEST_", limits=Limits())
    with HistoryWriter(directory.history, header):
        return directory


@pytest.mark.parametrize(
    ("verdicts", "options", "words", "complaint"),
    [
        ([WELL], ["--seed", "7"], [], "saved did not fail, so there is nothing to shrink"),
        ([LOST, WELL], None, [], "does not say how to repeat it"),
        (
            [LOST, WELL],
            ["--seed", "7"],
            ["--checker", "phantom"],
            "phantom did not fail in saved; what failed: durability",
        ),
    ],
)
def test_a_run_that_cannot_be_shrunk_is_refused_before_anything_is_tried(
    tmp_path: Path,
    verdicts: list[Verdict],
    options: list[str] | None,
    words: list[str],
    complaint: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    directory = save(tmp_path, verdicts, options)
    arguments = [str(directory.path), *words, "--run-directory", str(tmp_path / "shrink")]
    assert main(["shrink", *arguments]) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "shrink").exists()


def test_a_run_that_does_not_fail_again_is_not_shrunk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cannot_run = ["--seed", "7", "--lab", "moon"]
    directory = save(tmp_path, [LOST], cannot_run)
    arguments = [str(directory.path), "--repeats", "1", "--run-directory", str(tmp_path / "shrink")]
    assert main(["shrink", *arguments]) == 2
    told = capsys.readouterr().out
    assert "could not be run: see its output" in told
    assert "it did not fail again in 1 tries: nothing was shrunk" in told
    assert "there is no lab 'moon'" in (tmp_path / "shrink" / "001.output.txt").read_text()
    assert not (tmp_path / "shrink" / "smallest.json").exists()
