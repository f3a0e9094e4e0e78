"""The load balancer is replaced by a new one while clients work, and they do not notice."""

import allure
import pytest

from harness.checkers import availability
from harness.runner.run import RunResult
from scenarios.promises import (  # noqa: F401 (tests of this module, too)
    test_a_write_that_is_sent_again_happens_once,
    test_each_fault_was_seen_to_begin_and_to_end,
    test_every_checker_had_something_to_examine_and_passed,
    test_every_collection_is_mapped_to_its_uuids,
    test_instances_agree_within_the_promised_time,
    test_instances_hold_identical_data,
    test_no_acknowledged_write_is_lost,
    test_no_client_reads_what_is_stale,
    test_no_operation_fails,
    test_nothing_deleted_comes_back,
    test_nothing_is_left_to_do_in_the_log,
    test_nothing_is_there_that_no_client_wrote,
    test_what_became_of_writes_is_told_truly,
)

SCENARIO = "rolling-deploy"

pytestmark = [pytest.mark.real, pytest.mark.alone, allure.epic("Operation")]


def test_no_client_waits_longer_than_a_takeover_may_take(run: RunResult) -> None:
    verdict = run.verdict(availability.NAME)
    assert verdict.figures["gap_seconds"] <= 1.5, verdict.violations


def test_each_old_load_balancer_ended_by_itself_and_without_an_error(run: RunResult) -> None:
    endings = [window.effect_evidence for window in run.history.fault_windows.values()]
    assert len(endings) == 2
    assert all("ended with exit code 0" in ending for ending in endings), endings
