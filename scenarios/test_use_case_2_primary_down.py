"""Use case 2: the primary is killed while clients work, and comes back."""

import shutil
from pathlib import Path

import allure
import pytest

from harness.checkers import (
    availability,
    convergence,
    durability,
    exactly_once,
    faults,
    health_figures,
    phantom,
    recall,
    resurrection,
    status_figures,
)
from harness.checkers.biography import biography
from harness.checkers.judge import judge
from harness.model.observation import InstanceSample, LogSample
from harness.model.operation import Completion, Kind
from harness.model.verdict import Outcome
from harness.runner.run import RunResult
from harness.runner.run_directory import RunDirectory, verdict_file
from scenarios.reads import fruitless_searches, listings, search_recall, searches, stale_listings

SCENARIO = "primary-down"

pytestmark = [pytest.mark.real, pytest.mark.alone, allure.feature("Use case 2, primary down")]


def test_the_primary_was_seen_to_die_and_to_return(run: RunResult) -> None:
    verdict = run.verdict(faults.NAME)
    assert verdict.outcome is Outcome.PASS, verdict


def test_clients_wrote_searched_and_deleted_while_the_primary_was_down(run: RunResult) -> None:
    window = run.history.fault_windows[0]
    done = {
        operation.kind
        for operation in run.history.operations
        if operation.invoked_ns > window.effect_observed_ns
        and operation.completed_ns < window.healed_ns
        and operation.completion is Completion.OK
    }
    assert done == {Kind.ADD, Kind.UPSERT, Kind.DELETE, Kind.GET, Kind.QUERY}


def test_no_operation_fails(run: RunResult) -> None:
    assert run.verdict(availability.NAME).figures["failed"] == 0


def test_no_client_waits_longer_than_one_second(run: RunResult) -> None:
    assert run.verdict(availability.NAME).figures["gap_seconds"] <= 1.0


def test_no_acknowledged_write_is_lost(run: RunResult) -> None:
    verdict = run.verdict(durability.NAME)
    assert verdict.outcome is Outcome.PASS, verdict


def test_nothing_deleted_comes_back(run: RunResult) -> None:
    verdict = run.verdict(resurrection.NAME)
    assert verdict.outcome is Outcome.PASS, verdict


def test_nothing_is_there_that_no_client_wrote(run: RunResult) -> None:
    verdict = run.verdict(phantom.NAME)
    assert verdict.outcome is Outcome.PASS, verdict


def test_instances_hold_identical_data(run: RunResult) -> None:
    verdict = run.verdict(convergence.NAME)
    assert verdict.examined > 0
    assert verdict.figures["different"] == 0, verdict.violations


def test_the_primary_catches_up_within_five_seconds_of_being_healthy(run: RunResult) -> None:
    assert run.verdict(convergence.NAME).figures[convergence.CONVERGE_SECONDS] <= 5.0


def test_a_client_lists_exactly_what_it_wrote_and_did_not_delete(run: RunResult) -> None:
    assert len(listings(run.history)) >= 20
    assert stale_listings(run.history) == []


def test_searches_find_what_was_ingested(run: RunResult) -> None:
    assert len(searches(run.history)) >= 20
    assert search_recall(run.history) >= 0.95, fruitless_searches(run.history)


@pytest.mark.usefixtures("our_own")
def test_every_checker_had_something_to_examine_and_passed(run: RunResult) -> None:
    # What takes how long is asserted by itself.
    timed = (availability.NAME, convergence.NAME)
    others = {v.checker: v.outcome for v in run.verdicts if v.checker not in timed}
    assert set(others.values()) == {Outcome.PASS}, run.verdicts
    assert len(others) >= 14


@pytest.mark.usefixtures("our_own")
def test_the_figures_of_the_lb_were_compared_while_the_primary_was_down(run: RunResult) -> None:
    window = run.history.fault_windows[0]
    during = [
        sample.pending["primary"]
        for sample in run.history.observed(LogSample)
        if sample.is_log and window.effect_observed_ns < sample.asked_ns < window.healed_ns
    ]
    assert max(during) > 20
    assert run.verdict(status_figures.NAME).examined >= 10
    assert run.verdict(health_figures.NAME).examined >= 10


@pytest.mark.usefixtures("our_own")
def test_writes_were_sent_again_under_their_transaction_ids(run: RunResult) -> None:
    assert run.verdict(exactly_once.NAME).figures["repeats"] >= 3


def test_searches_at_each_instance_find_the_nearest_documents(run: RunResult) -> None:
    figures = run.verdict(recall.NAME).figures
    assert figures["primary"] >= 0.9
    assert figures["replica"] >= 0.9


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
    run: RunResult, run_directory: RunDirectory
) -> None:
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
