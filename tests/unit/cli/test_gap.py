"""The commands about gaps that are measured already: from the files of their runs alone."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from harness.cli import main
from harness.model.fault_window import FaultWindow
from harness.model.final_state import write_final_states
from harness.model.gap import GapReport
from harness.model.history import Header, HistoryWriter, Limits
from harness.model.operation import Completion, Kind, Operation
from harness.model.verdict import Outcome, Verdict
from harness.runner.run_directory import RunDirectory, verdict_file
from tests.unit.checkers.histories import SECOND, operation

OK, FAIL, INFO = Completion


def save(
    directory: Path,
    *operations: Operation,
    fault: str = "kill primary",
    outcome: Outcome = Outcome.PASS,
    lb_command: str | None = None,
) -> None:
    """Save a run in which the fault lasted from 10 to 50 s."""
    run = RunDirectory(directory)
    run.create()
    run.describe({"scenario": "gap-kill", "seed": 7, "configuration": {"lb_command": lb_command}})
    header = Header(scenario="gap-kill", seed=7, dimensions=4, prefix="AUTOTEST_", limits=Limits())
    window = FaultWindow(
        index=0,
        fault=fault,
        target="primary",
        injected_ns=10 * SECOND,
        healed_ns=50 * SECOND,
    )
    with HistoryWriter(run.history, header) as log:
        for record in (window, *operations):
            log.append(record)
    write_final_states(run.final, ())
    verdicts = [Verdict(checker="durability", outcome=outcome, examined=1)]
    run.verdict.write_bytes(verdict_file(log.history, verdicts))


def add(second: float, completion: Completion = OK, took_seconds: float = 0.02) -> Operation:
    start = round(second * SECOND)
    return operation(Kind.ADD, start, start + round(took_seconds * SECOND), completion)


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    directory = tmp_path / "ours"
    save(directory / "kill", add(5), add(11), add(30))
    save(directory / "pause", add(5), add(12), fault="pause primary")
    return directory


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    directory = tmp_path / "foreign"
    failing = [add(10 + n, INFO) for n in range(30)]
    command = "python -m my_lb"
    save(directory / "kill", *failing, add(45), outcome=Outcome.FAIL, lb_command=command)
    return directory


def run(words: Sequence[str]) -> object:
    """Give the exit code of a command."""
    try:
        return main(["gap", *words])
    except SystemExit as ended:
        return ended.code


def test_saved_gaps_are_measured_again_and_written_anew(ours: Path, capsys) -> None:
    assert run(["--saved", str(ours)]) == 0
    told = capsys.readouterr().out
    assert told.count("verdict: pass") == 2
    report = msgspec.json.decode((ours / "gap.json").read_bytes(), type=GapReport)
    assert [experiment.kind for experiment in report.experiments] == ["kill", "pause"]
    assert report.experiments[0].profile.whole.felt.operations == 2
    assert (ours / "gap.svg").read_text().rstrip().endswith("</svg>")


def test_a_failed_gap_is_told_with_what_failed_and_how(foreign: Path, capsys) -> None:
    assert run(["--saved", str(foreign)]) == 1
    told = capsys.readouterr().out
    assert "30 (97%)" in told
    assert "29.02" in told
    assert "verdict: fail; durability fail" in told


def test_two_are_laid_side_by_side(ours: Path, foreign: Path, tmp_path: Path, capsys) -> None:
    compared = tmp_path / "compared"
    words = ["--compare", str(ours), str(foreign), "--run-directory", str(compared)]
    assert run(words) == 0
    told = capsys.readouterr().out
    assert "A: ours, our own load balancer" in told
    assert "B: foreign, python -m my_lb" in told
    kill = next(cells for cells in map(str.split, told.splitlines()) if "add-by-ids" in cells)
    assert kill == ["add-by-ids", "2", "0", "20", "0.00", "31", "30", "(97%)", "20", "29.02"]
    plot = (compared / "gap.svg").read_text()
    assert "kill, A: 0 of 2 failed, gap 0.0 s" in plot
    assert "kill, B: 30 of 31 failed, gap 29.0 s" in plot
    assert "pause, A" in plot
    assert "pause, B" not in plot


def test_the_same_points_give_the_same_plot(ours: Path) -> None:
    assert run(["--saved", str(ours)]) == 0
    first = (ours / "gap.svg").read_bytes()
    assert run(["--saved", str(ours)]) == 0
    assert (ours / "gap.svg").read_bytes() == first


def test_a_comparison_spoils_no_other_directory(ours: Path, tmp_path: Path, capsys) -> None:
    words = ["--compare", str(ours), str(ours), "--run-directory", str(ours)]
    assert run(words) == 2
    assert "is not empty" in capsys.readouterr().err


def test_any_run_with_a_fault_has_a_gap(tmp_path: Path, capsys) -> None:
    save(tmp_path / "run", add(5), add(20, FAIL), outcome=Outcome.FAIL)
    assert run(["--saved", str(tmp_path / "run")]) == 1
    assert run(["--saved", str(tmp_path / "run")]) == 1
    assert "1 (100%)" in capsys.readouterr().out


def test_the_last_gaps_are_found_by_that_word(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("CHROMA_CHAOS_RUNS", str(tmp_path))
    for name, fault in (("2026-gap-1", "kill primary"), ("2027-gap-1", "pause primary")):
        save(tmp_path / name / "kill", add(11), fault=fault)
        assert run(["--saved", name]) == 0
    capsys.readouterr()
    assert run(["--saved", "last"]) == 0
    assert str(tmp_path / "2027-gap-1") in capsys.readouterr().out.replace("\n", "")


def test_a_run_in_which_nothing_failed_has_no_gap(tmp_path: Path, capsys) -> None:
    save(tmp_path / "run", add(60))
    assert run(["--saved", str(tmp_path / "run")]) == 2
    assert "there is no gap: name a run with a fault" in capsys.readouterr().err
