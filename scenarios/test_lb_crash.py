"""The load balancer crashes, at any time and at each step of a write, and is started again."""

import allure
import pytest

from harness.checkers import exactly_once
from harness.model.operation import Completion
from harness.runner.run import RunResult
from scenarios.cases import Case
from scenarios.promises import (  # noqa: F401 (tests of this module, too)
    held,
    test_a_write_that_is_sent_again_happens_once,
    test_each_fault_was_seen_to_begin_and_to_end,
    test_every_checker_had_something_to_examine_and_passed,
    test_every_collection_is_mapped_to_its_uuids,
    test_instances_agree_within_the_promised_time,
    test_instances_hold_identical_data,
    test_no_acknowledged_write_is_lost,
    test_no_client_reads_what_is_stale,
    test_nothing_deleted_comes_back,
    test_nothing_is_left_to_do_in_the_log,
    test_nothing_is_there_that_no_client_wrote,
    test_what_became_of_writes_is_told_truly,
)

CASES = (Case("lb-crash"), Case("lb-crash-steps"))

pytestmark = [
    pytest.mark.real,
    pytest.mark.alone,
    allure.epic("Use case 6, transaction safety"),
]


def test_clients_work_again_after_the_last_crash(run: RunResult) -> None:
    after = [o for o in run.history.operations if o.phase == "recovery"]
    assert len(after) >= 10
    assert any(o.kind.is_write and o.completion is Completion.OK for o in after)


@pytest.mark.usefixtures("our_own")
def test_a_write_in_doubt_can_be_sent_again_after_a_crash(run: RunResult, case: Case) -> None:
    figures = held(run, exactly_once.NAME).figures
    if case.scenario == "lb-crash-steps":
        # A crash at a step always has a write under way.
        assert figures["of_writes_in_doubt"] >= 1
    assert figures["answered"] >= 1
