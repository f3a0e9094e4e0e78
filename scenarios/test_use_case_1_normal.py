"""Use case 1: all is well, and every promise of normal operation holds."""

import allure
import pytest

from harness.checkers import availability, convergence, durability, phantom, resurrection
from harness.model.verdict import Outcome
from harness.runner.run import RunResult
from scenarios.reads import fruitless_searches, listings, search_recall, searches, stale_listings

SCENARIO = "normal"

pytestmark = [pytest.mark.real, pytest.mark.alone, allure.feature("Use case 1, normal operation")]


def test_collections_exist_on_every_instance_under_different_uuids(run: RunResult) -> None:
    primary, replica = run.finals
    assert primary.collections.keys() == replica.collections.keys()
    assert len(primary.collections) == 3
    for name, collection in primary.collections.items():
        assert collection.uuid != replica.collections[name].uuid


def test_every_acknowledged_write_is_on_every_instance(run: RunResult) -> None:
    verdict = run.verdict(durability.NAME)
    assert verdict.outcome is Outcome.PASS, verdict


def test_every_acknowledged_delete_reached_every_instance(run: RunResult) -> None:
    verdict = run.verdict(resurrection.NAME)
    assert verdict.outcome is Outcome.PASS, verdict


def test_nothing_is_there_that_no_client_wrote(run: RunResult) -> None:
    verdict = run.verdict(phantom.NAME)
    assert verdict.outcome is Outcome.PASS, verdict


def test_instances_hold_identical_data_within_five_seconds_of_the_last_write(
    run: RunResult,
) -> None:
    verdict = run.verdict(convergence.NAME)
    assert verdict.outcome is Outcome.PASS, verdict
    assert verdict.figures[convergence.SETTLE_SECONDS] <= 5.0


def test_no_operation_fails(run: RunResult) -> None:
    verdict = run.verdict(availability.NAME)
    assert verdict.figures["failed"] == 0, verdict.violations


def test_no_client_waits_longer_than_one_second(run: RunResult) -> None:
    assert run.verdict(availability.NAME).figures["gap_seconds"] <= 1.0


def test_a_client_lists_exactly_what_it_wrote_and_did_not_delete(run: RunResult) -> None:
    assert len(listings(run.history)) >= 10
    assert stale_listings(run.history) == []


def test_searches_find_what_was_ingested(run: RunResult) -> None:
    assert len(searches(run.history)) >= 10
    assert search_recall(run.history) >= 0.95, fruitless_searches(run.history)


@pytest.mark.usefixtures("our_own")
def test_every_checker_had_something_to_examine_and_passed(run: RunResult) -> None:
    # What takes how long is asserted by itself.
    timed = (availability.NAME, convergence.NAME)
    others = {v.checker: v.outcome for v in run.verdicts if v.checker not in timed}
    assert set(others.values()) == {Outcome.PASS}, run.verdicts
