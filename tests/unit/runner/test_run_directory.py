from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.checkers.judge import judge
from harness.errors import RunDirectoryError
from harness.model.final_state import write_final_states
from harness.model.history import HistoryWriter
from harness.model.observation import LbAnswer, LogRow, Repeat, Search
from harness.runner.run_directory import RunDirectory, default_run_directory, verdict_file
from tests.unit.checkers.histories import COLLECTION, OLD, add, created, delete, final, history
from tests.unit.checkers.observed import fault, log_sample, observed, says


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


def test_a_run_that_was_moved_is_judged_to_the_same_bytes(tmp_path: Path) -> None:
    written = add(OLD, 2, 3)
    repeat = Repeat(
        repeats=written.name,
        process="client-1",
        transaction_id="t",
        invoked_ns=6,
        completed_ns=7,
        first_status=201,
        status=200,
        body="\ud7ff\x00",
    )
    search = Search(
        instance="primary",
        collection=COLLECTION,
        query="q",
        found=("f/0",),
        distances=(0.1 + 0.2,),
        wanted=3,
        limit_distance=1e-17,
    )
    row = LogRow(position=1, transaction_id="t", collection=COLLECTION, kind="add", logged_at="x")
    garbled = LbAnswer(path="/status", asked_ns=1, answered_ns=2, status=200, body="\ufffd<html>")
    figures = says("/wal/status", {"pending_entries": {"primary": 99}, "more": 1e400}, 3)
    records = observed(
        created(), written, delete(4, 5), repeat, search, row, garbled, figures,
        log_sample(1, 5, oldest=0.1), log_sample(5, 6, at_rest=True), fault("kill", "lb", 90, 91),
    )  # fmt: skip
    finals = (final(OLD), final(instance="replica"))
    first = RunDirectory(tmp_path / "first")
    first.create()
    with HistoryWriter(first.history, history().header) as log:
        for record in (
            *records.operations,
            *records.fault_windows.values(),
            *records.observations,
        ):
            log.append(record)
    write_final_states(first.final, finals)
    first.verdict.write_bytes(verdict_file(log.history, judge(log.history, finals)))
    moved = RunDirectory(first.path.rename(tmp_path / "moved"))
    history_read, finals_read = moved.read()
    assert history_read.observations == log.history.observations
    again = verdict_file(history_read, judge(history_read, finals_read))
    assert again == moved.verdict.read_bytes()
    for checker in ("exactly-once", "recall", "status-figures", "resurrection"):
        assert f'"checker": "{checker}",\n      "outcome": "fail"'.encode() in again
