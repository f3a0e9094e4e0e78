"""Everything is killed at once, as by a power cut, and started again."""

import allure
import pytest

from harness.model.operation import Completion
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
    test_nothing_deleted_comes_back,
    test_nothing_is_left_to_do_in_the_log,
    test_nothing_is_there_that_no_client_wrote,
    test_what_became_of_writes_is_told_truly,
)

SCENARIO = "restart-of-everything"

pytestmark = [pytest.mark.real, pytest.mark.alone, allure.epic("Operation")]


def test_reads_and_writes_succeed_again(run: RunResult) -> None:
    done = [
        operation.kind.is_write
        for operation in run.history.operations
        if operation.phase == "recovery" and operation.completion is Completion.OK
    ]
    assert set(done) == {True, False}
