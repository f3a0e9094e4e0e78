"""The command: what it refuses, and what it answers then."""

import pytest

from bench import cli, results
from bench.cases import registry
from bench.cases.registry import Case
from bench.figure import Better, Figure
from harness.errors import HarnessError


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Let one case find what the test says, with no server and no file of the project touched."""
    found = []

    async def measure(bench):
        if not found:
            raise HarnessError("no server would start")
        return found

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "CASES", (Case(registry.CASES[0].name, "a stand-in", measure),))
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(results, "DETAIL", tmp_path / "results-detail.json")
    monkeypatch.setattr(results, "committed", lambda: [figure(10.0)])
    return found


def figure(value):
    return Figure("rate", value, "x", 9.0, Better.HIGHER, "make bench")


def test_a_miss_is_stated_and_is_no_failure(measured, capsys):
    measured.append(figure(8.9))
    assert cli.main(["run"]) == 0
    assert "missed" in capsys.readouterr().out
    assert results.read()[0] == measured


def test_with_check_a_miss_is_a_failure(measured):
    measured.append(figure(8.9))
    assert cli.main(["run", "--check"]) == 1


def test_a_loss_is_shown_and_with_check_a_failure(measured, capsys):
    measured.append(Figure("rate", 8.0, "x", None, Better.HIGHER, "make bench"))
    assert cli.main(["run", "--check"]) == 1
    assert "rate was 10, is 8 (20% worse)" in capsys.readouterr().out


def test_a_quick_look_writes_nothing(measured):
    measured.append(figure(20.0))
    assert cli.main(["run", "--quick", "--check"]) == 0
    assert not results.RESULTS.exists()


def test_without_results_the_table_says_what_to_run(measured, capsys):
    assert cli.main(["table"]) == 2
    assert "make bench" in capsys.readouterr().err


def test_a_wrong_word_is_refused_with_the_right_ones(capsys):
    assert cli.main(["run", "--only", "speed"]) == 2
    assert "adds" in capsys.readouterr().err


def test_a_case_that_cannot_be_measured_is_named_and_nothing_is_written(measured, capsys):
    assert cli.main(["run"]) == 2
    assert "could not be measured: no server would start" in capsys.readouterr().out
    assert not results.RESULTS.exists()
