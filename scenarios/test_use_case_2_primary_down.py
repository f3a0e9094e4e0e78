"""Use case 2: the primary is killed while clients work, and comes back."""

import allure
import pytest

from harness.checkers import (
    availability,
    convergence,
    durability,
    faults,
    phantom,
    resurrection,
)
from harness.checkers.judge import judge
from harness.model.operation import Completion, Kind
from harness.model.verdict import Outcome
from harness.runner.run import RunResult
from harness.runner.run_directory import RunDirectory
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


def test_the_saved_run_judged_again_gives_the_same_verdicts(
    run: RunResult, run_directory: RunDirectory
) -> None:
    assert judge(*run_directory.read()) == run.verdicts
