"""PostgreSQL is killed and comes back: the log cannot be written, and nothing is lost."""

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

SCENARIO = "postgres-down"

pytestmark = [
    pytest.mark.real,
    pytest.mark.alone,
    allure.epic("Use case 6, transaction safety"),
]


@pytest.mark.usefixtures("our_own")
def test_reads_go_on_without_the_log(run: RunResult) -> None:
    reads = [o for o in run.history.operations if not o.kind.is_write]
    assert [read for read in reads if read.completion is not Completion.OK] == []
    during = [read for read in reads if read.phase == "postgres-down"]
    assert len(during) >= 5
    # A client may come to its read late, because it was refused a write before.
    assert max(read.completed_ns - read.invoked_ns for read in during) <= 1_000_000_000


@pytest.mark.usefixtures("our_own")
def test_writes_are_refused_and_not_acknowledged_without_the_log(run: RunResult) -> None:
    (window,) = run.history.fault_windows.values()
    during = [
        operation
        for operation in run.history.operations
        if operation.kind.is_write
        and operation.invoked_ns > window.effect_observed_ns
        and operation.completed_ns < window.healed_ns
    ]
    assert len(during) >= 5
    assert {operation.http_status for operation in during} == {503}


def test_writes_succeed_again_after_the_log_has_returned(run: RunResult) -> None:
    (window,) = run.history.fault_windows.values()
    after_ns = window.heal_observed_ns + 1_000_000_000
    after = [o for o in run.history.operations if o.kind.is_write and o.intended_ns > after_ns]
    assert len(after) >= 5
    assert [write for write in after if write.completion is not Completion.OK] == []
