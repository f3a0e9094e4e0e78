from pathlib import Path

import pytest

from harness.store import histories
from harness.store.histories import Histories
from tests.saved_runs import SavedRunPlan, save_run


def test_a_history_is_read_once_and_again_when_it_has_changed(tmp_path: Path) -> None:
    run = save_run(tmp_path, SavedRunPlan())
    kept = Histories()
    first = kept.read(run)
    assert kept.read(run) is first
    lines = run.history.read_bytes().splitlines(keepends=True)
    run.history.write_bytes(b"".join(lines[:-1]))
    again = kept.read(run)
    assert again is not first
    assert len(again.fault_windows) == 0


@pytest.mark.parametrize(("limit", "value"), [("_MOST", 2), ("_MOST_BYTES", 250_000)])
def test_no_more_are_kept_than_memory_has_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    runs = [save_run(tmp_path, SavedRunPlan(day=day)) for day in range(3)]
    assert 80_000 < runs[0].history.stat().st_size < 120_000
    monkeypatch.setattr(histories, limit, value)
    kept = Histories()
    first, *others = [kept.read(run) for run in runs]
    assert [kept.read(run) for run in runs[1:]] == others
    assert kept.read(runs[2]) is others[1]
    assert kept.read(runs[0]) is not first


def test_one_that_is_too_large_is_kept_all_the_same_until_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = save_run(tmp_path, SavedRunPlan())
    monkeypatch.setattr(histories, "_MOST_BYTES", 1)
    kept = Histories()
    assert kept.read(run) is kept.read(run)
