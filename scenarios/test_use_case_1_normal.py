"""Use case 1: all is well, and every promise of normal operation holds."""

import shutil
from pathlib import Path

import allure
import pytest

from harness.checkers.biography import biography
from harness.checkers.judge import judge
from harness.labs.base import Killable, Lab
from harness.model.observation import InstanceSample, LogSample
from harness.runner.run import RunResult
from harness.runner.run_directory import RunDirectory, verdict_file
from harness.workloads.settings import Addressing
from scenarios.cases import Case
from scenarios.promises import (  # noqa: F401 (tests of this module, too)
    test_a_write_that_is_sent_again_happens_once,
    test_every_checker_had_something_to_examine_and_passed,
    test_every_collection_is_mapped_to_its_uuids,
    test_instances_agree_within_the_promised_time,
    test_instances_hold_identical_data,
    test_no_acknowledged_write_is_lost,
    test_no_client_reads_what_is_stale,
    test_no_client_waits_longer_than_one_second,
    test_no_operation_fails,
    test_nothing_deleted_comes_back,
    test_nothing_is_left_to_do_in_the_log,
    test_nothing_is_there_that_no_client_wrote,
    test_searches_at_each_instance_find_the_nearest_documents,
    test_the_figures_of_health_are_true,
    test_the_figures_of_the_log_are_true,
    test_what_became_of_writes_is_told_truly,
)
from scenarios.reads import fruitless_searches, listings, search_recall, searches, stale_listings

CASES = (Case("normal", Addressing.ID), Case("normal", Addressing.NAME))

pytestmark = [pytest.mark.real, pytest.mark.alone, allure.epic("Use case 1, normal operation")]


def test_collections_exist_on_every_instance_under_different_uuids(run: RunResult) -> None:
    primary, replica = run.finals
    assert primary.collections.keys() == replica.collections.keys()
    assert len(primary.collections) == 3
    for name, collection in primary.collections.items():
        assert collection.uuid != replica.collections[name].uuid


def test_a_client_lists_exactly_what_it_wrote_and_did_not_delete(run: RunResult) -> None:
    assert len(listings(run.history)) >= 5
    assert stale_listings(run.history) == []


def test_searches_find_what_was_ingested(run: RunResult) -> None:
    assert len(searches(run.history)) >= 5
    assert search_recall(run.history) >= 0.95, fruitless_searches(run.history)


@pytest.mark.usefixtures("our_own")
def test_the_biography_of_a_document_tells_its_log_entries_and_what_samples_showed(
    run: RunResult,
) -> None:
    name = next(f"{o.collection}/{o.ids[0]}" for o in run.history.operations if o.ids and o.tokens)
    lines = list(biography(run.history, run.finals, name))
    for told in ("log entry", "applied on primary, replica", "was seen to hold", "at rest"):
        assert any(told in line for line in lines), lines


def test_the_saved_run_judged_again_elsewhere_gives_the_same_verdict_file(
    run: RunResult, run_directory: RunDirectory, tmp_path: Path
) -> None:
    assert run.verdicts
    moved = RunDirectory(tmp_path / "moved")
    shutil.copytree(run_directory.path, moved.path)
    history, finals = moved.read()
    assert verdict_file(history, judge(history, finals)) == run_directory.verdict.read_bytes()


def test_the_run_directory_holds_all_that_is_needed_to_look_into_it(
    run: RunResult, run_directory: RunDirectory, lab: Lab
) -> None:
    if not isinstance(lab, Killable):
        pytest.skip(f"lab {lab.name}: logs, memory and processor of its servers are out of reach")
    assert run.verdicts
    made = {path.name for path in run_directory.path.iterdir() if path.stat().st_size}
    assert made >= {
        "run.json", "history.jsonl", "final.jsonl", "samples.jsonl", "verdict.json", "summary.txt",
        "logs",
    }  # fmt: skip
    logs = {path.stem for path in (run_directory.path / "logs").iterdir()}
    assert logs >= {"primary", "replica", "postgres", "toxiproxy", "lb"}
    samples = run.history.observed(LogSample)
    assert all(sample.connections for sample in samples)
    assert {s.instance for s in run.history.observed(InstanceSample)} == {"primary", "replica"}
