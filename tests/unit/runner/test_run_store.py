from pathlib import Path

import pytest

from harness.errors import RunDirectoryError
from harness.model.history import Limits
from harness.model.verdict import Outcome, Verdict
from harness.runner.differences import differences
from harness.runner.run_directory import RunDirectory, write_json
from harness.runner.run_store import RunStore


def save(root: Path, name: str, started_at: str, lost: float | None = None) -> None:
    """Save what a store reads of a run; without a figure it was interrupted."""
    directory = RunDirectory(root / name)
    directory.create()
    directory.describe({"scenario": "normal", "seed": 7, "started_at": started_at})
    if lost is not None:
        outcome = Outcome.FAIL if lost else Outcome.PASS
        verdict = Verdict(checker="durability", outcome=outcome, figures={"lost": lost})
        judgement = {"outcome": outcome, "limits": Limits(), "verdicts": [verdict]}
        write_json(directory.verdict, judgement)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    save(tmp_path, "b-later", "2026-01-02T00:00:00+00:00", lost=3)
    save(tmp_path, "a-interrupted", "2026-01-03T00:00:00+00:00")
    save(tmp_path, "c-first", "2026-01-01T00:00:00+00:00", lost=0)
    (tmp_path / "no-run").mkdir()
    return RunStore(tmp_path)


def test_runs_are_listed_by_the_time_of_their_start(store: RunStore) -> None:
    assert [run.name for run in store.runs()] == ["c-first", "b-later", "a-interrupted"]
    outcomes = [run.judgement.outcome if run.judgement else None for run in store.runs()]
    assert outcomes == [Outcome.PASS, Outcome.FAIL, None]


def test_a_run_is_found_by_name_by_directory_and_as_the_last_one(store: RunStore) -> None:
    assert store.find("b-later").figures() == {"durability.lost": 3.0}
    assert store.find(str(store.root / "c-first")).name == "c-first"
    assert store.find("last").name == "a-interrupted"


@pytest.mark.parametrize("word", ["nothing", "no-run"])
def test_a_word_for_no_run_is_answered_with_where_to_look(store: RunStore, word: str) -> None:
    with pytest.raises(RunDirectoryError, match="see `chroma-chaos list`"):
        store.find(word)


def test_a_store_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert RunStore(tmp_path / "nowhere").runs() == []


def test_files_that_are_torn_are_named(store: RunStore) -> None:
    store.find("b-later").directory.verdict.write_text("{")
    with pytest.raises(RunDirectoryError, match="b-later holds no readable run"):
        store.find("b-later")


def test_a_run_that_is_torn_hides_no_other(store: RunStore) -> None:
    (store.root / "c-first" / "verdict.json").write_text('{"outcome": "pa')
    (store.root / "a-interrupted" / "run.json").write_text("")
    readable, torn = store.readable_and_torn()
    assert [run.name for run in readable] == [run.name for run in store.runs()] == ["b-later"]
    assert list(torn) == ["a-interrupted", "c-first"]
    assert all(f"{name} holds no readable run" in trouble for name, trouble in torn.items())
    assert store.find("last").name == "b-later"


def test_two_runs_differ_in_verdicts_and_figures_and_not_in_what_is_equal(store: RunStore) -> None:
    assert differences(store.find("c-first"), store.find("b-later")) == [
        ("verdict of durability", "pass", "fail"),
        ("durability.lost", "0", "3"),
    ]
