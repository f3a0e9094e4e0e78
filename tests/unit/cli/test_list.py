"""The command `list`, as a person at a terminal sees it."""

from pathlib import Path

import pytest

from harness.cli import main
from tests.saved_runs import SavedRunPlan, save_run

FIRST, SECOND, THIRD = (SavedRunPlan(day=day) for day in (1, 2, 3))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHROMA_CHAOS_RUNS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


@pytest.mark.parametrize("file", ["run.json", "verdict.json"])
def test_one_run_that_is_torn_is_named_and_all_others_are_listed(
    root: Path, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for plan in (FIRST, SECOND, THIRD):
        save_run(root, plan)
    torn = root / SECOND.name / file
    torn.write_bytes(torn.read_bytes()[:-20])

    assert main(["list"]) == 0

    told = capsys.readouterr()
    listed = [(line.split()[0], line.split()[-1]) for line in told.out.splitlines()[1:]]
    assert listed == [(FIRST.name, "pass"), (THIRD.name, "pass"), (SECOND.name, "unreadable")]
    assert told.err.startswith(f"chroma-chaos: {root / SECOND.name} holds no readable run")
    assert told.err.count("\n") == 1


def test_a_store_of_nothing_but_a_torn_run_is_not_empty(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_run(root, FIRST)
    (root / FIRST.name / "run.json").write_text("")

    assert main(["list"]) == 0

    assert f"{FIRST.name}" in capsys.readouterr().out


def test_an_empty_store_says_how_to_begin(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert "begin with `chroma-chaos run`" in capsys.readouterr().out
