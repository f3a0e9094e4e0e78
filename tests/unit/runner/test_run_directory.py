from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import RunDirectoryError
from harness.runner.run_directory import RunDirectory, default_run_directory


def test_a_new_directory_is_made_with_its_parents(tmp_path: Path) -> None:
    RunDirectory(tmp_path / "a" / "b").create()
    assert (tmp_path / "a" / "b").is_dir()


def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").touch()
    with pytest.raises(RunDirectoryError, match="is not empty"):
        RunDirectory(tmp_path).create()


def test_a_place_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunDirectoryError, match="cannot be made"):
        RunDirectory(tmp_path / "file" / "run").create()


def test_a_directory_without_a_run_cannot_be_judged(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="does not hold a run"):
        RunDirectory(tmp_path).read()


def test_a_run_is_named_by_time_scenario_and_seed() -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert default_run_directory(Path("r"), "normal", 7, now) == Path("r/20260102T030405-normal-7")
