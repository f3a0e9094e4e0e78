"""Use case 2 on a system that runs already: an administrator takes the primary out of service."""

import allure
import pytest

from harness.checkers import (
    availability,
    convergence,
    durability,
    faults,
    health_figures,
    phantom,
    resurrection,
)
from harness.model.observation import InstanceSample
from harness.model.operation import Completion, Kind
from harness.model.verdict import Outcome
from harness.runner.run import RunResult
from scenarios.reads import fruitless_searches, listings, search_recall, searches, stale_listings

SCENARIO = "primary-forced-down"

pytestmark = [
    pytest.mark.real,
    pytest.mark.alone,
    allure.epic("Use case 2, primary down by an administrator's word"),
]


def test_the_primary_was_taken_for_unhealthy_and_then_for_healthy_again(run: RunResult) -> None:
    verdict = run.verdict(faults.NAME)
    assert verdict.outcome is Outcome.PASS, verdict


def test_what_was_written_meanwhile_reached_the_replica_only(run: RunResult) -> None:
    window = run.history.fault_windows[0]
    written = {
        token
        for operation in run.history.operations
        if operation.kind.is_write and operation.invoked_ns > window.effect_observed_ns
        for token in operation.tokens
    }
    seen: dict[str, set[str]] = {"primary": set(), "replica": set()}
    for sample in run.history.observed(InstanceSample):
        if sample.answered_ns < window.healed_ns:
            seen[sample.instance] |= written.intersection(sample.changed.values())
    assert seen["primary"] == set()
    assert seen["replica"]


def test_clients_wrote_searched_and_deleted_meanwhile(run: RunResult) -> None:
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
    verdict = run.verdict(availability.NAME)
    assert verdict.figures["failed"] == 0, verdict.violations


def test_no_client_waits_longer_than_one_second(run: RunResult) -> None:
    assert run.verdict(availability.NAME).figures["gap_seconds"] <= 1.0


@pytest.mark.parametrize("checker", [durability.NAME, resurrection.NAME, phantom.NAME])
def test_nothing_is_lost_comes_back_or_was_never_written(run: RunResult, checker: str) -> None:
    verdict = run.verdict(checker)
    assert verdict.outcome is Outcome.PASS, verdict


def test_the_primary_catches_up_within_five_seconds_of_being_healthy(run: RunResult) -> None:
    verdict = run.verdict(convergence.NAME)
    assert verdict.figures["different"] == 0, verdict.violations
    assert verdict.figures[convergence.CONVERGE_SECONDS] <= 5.0


def test_a_client_lists_exactly_what_it_wrote_and_did_not_delete(run: RunResult) -> None:
    assert len(listings(run.history)) >= 10
    assert stale_listings(run.history) == []


def test_searches_find_what_was_ingested(run: RunResult) -> None:
    assert len(searches(run.history)) >= 10
    assert search_recall(run.history) >= 0.95, fruitless_searches(run.history)


@pytest.mark.usefixtures("our_own")
def test_the_status_showed_it_as_unhealthy_while_it_was(run: RunResult) -> None:
    verdict = run.verdict(health_figures.NAME)
    assert verdict.outcome is Outcome.PASS, verdict
    assert verdict.examined >= 10


@pytest.mark.usefixtures("our_own")
def test_every_checker_had_something_to_examine_and_passed(run: RunResult) -> None:
    # What takes how long is asserted by itself.
    timed = (availability.NAME, convergence.NAME)
    others = {v.checker: v.outcome for v in run.verdicts if v.checker not in timed}
    assert set(others.values()) == {Outcome.PASS}, run.verdicts
