"""Use case 2: the primary fails while clients work, in each way in which it can, and returns."""

import allure
import pytest

from harness.checkers import exactly_once, health_figures, status_figures
from harness.model.observation import LogSample
from harness.model.operation import Completion, Kind
from harness.runner.run import RunResult
from harness.workloads.settings import Addressing
from scenarios.cases import Case
from scenarios.promises import (  # noqa: F401 (tests of this module, too)
    test_a_write_that_is_sent_again_happens_once,
    test_each_fault_was_seen_to_begin_and_to_end,
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

CASES = (
    Case("primary-down", Addressing.ID),
    Case("primary-paused", Addressing.NAME),
    Case("primary-black-hole", Addressing.ID),
    Case("primary-reset", Addressing.NAME),
    Case("primary-slow", Addressing.ID),
    Case("primary-busy", Addressing.NAME),
    Case("primary-disconnected", Addressing.ID),
    Case("primary-flapping", Addressing.NAME),
)

pytestmark = [pytest.mark.real, pytest.mark.alone, allure.epic("Use case 2, primary down")]


def test_clients_wrote_searched_and_deleted_while_the_primary_was_down(run: RunResult) -> None:
    done = {
        operation.kind
        for window in run.history.fault_windows.values()
        for operation in run.history.operations
        if operation.invoked_ns > window.injected_ns
        and operation.completed_ns < window.healed_ns
        and operation.completion is Completion.OK
    }
    assert done == {Kind.ADD, Kind.UPSERT, Kind.DELETE, Kind.GET, Kind.QUERY}


def test_a_client_lists_exactly_what_it_wrote_and_did_not_delete(run: RunResult) -> None:
    assert len(listings(run.history)) >= 5
    assert stale_listings(run.history) == []


def test_searches_find_what_was_ingested(run: RunResult) -> None:
    assert len(searches(run.history)) >= 5
    assert search_recall(run.history) >= 0.95, fruitless_searches(run.history)


@pytest.mark.usefixtures("our_own")
def test_the_figures_of_the_lb_were_compared_while_the_primary_was_down(run: RunResult) -> None:
    during = [
        sample.pending["primary"]
        for window in run.history.fault_windows.values()
        for sample in run.history.observed(LogSample)
        if sample.is_log and window.effect_observed_ns < sample.asked_ns < window.healed_ns
    ]
    assert max(during) >= 1
    assert run.verdict(status_figures.NAME).examined >= 10
    assert run.verdict(health_figures.NAME).examined >= 10


@pytest.mark.usefixtures("our_own")
def test_writes_were_sent_again_under_their_transaction_ids(run: RunResult) -> None:
    assert run.verdict(exactly_once.NAME).figures["repeats"] >= 3
