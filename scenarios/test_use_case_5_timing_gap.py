"""Use case 5: between a failure and its detection no operation fails, however the primary fails."""

from collections.abc import Sequence

import allure
import pytest

from harness.checkers.availability import longest_gap
from harness.model.operation import Completion, Operation
from harness.runner.run import RunResult
from harness.runner.scenarios.timing_gap import KINDS
from scenarios.promises import (  # noqa: F401 (tests of this module, too)
    test_each_fault_was_seen_to_begin_and_to_end,
    test_every_checker_had_something_to_examine_and_passed,
    test_instances_agree_within_the_promised_time,
    test_instances_hold_identical_data,
    test_no_acknowledged_write_is_lost,
    test_no_client_reads_what_is_stale,
    test_nothing_deleted_comes_back,
    test_nothing_is_there_that_no_client_wrote,
)

SCENARIO = "timing-gap"

pytestmark = [pytest.mark.real, pytest.mark.alone, allure.epic("Use case 5, the timing gap")]


@pytest.mark.parametrize("kind", KINDS)
def test_no_operation_fails_in_the_gap(run: RunResult, kind: str) -> None:
    operations = _in_the_gap(run, kind)
    assert len(operations) >= 15
    assert {operation.kind.is_write for operation in operations} == {True, False}
    assert [o for o in operations if o.completion is not Completion.OK] == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_client_waits_longer_than_one_second_in_the_gap(run: RunResult, kind: str) -> None:
    gap_seconds, at = longest_gap(_in_the_gap(run, kind))
    assert gap_seconds <= 1.0, at


@pytest.mark.parametrize("kind", KINDS)
def test_no_operation_fails_while_the_primary_comes_back(run: RunResult, kind: str) -> None:
    operations = [o for o in run.history.operations if o.phase == f"after {kind}"]
    assert len(operations) >= 10
    assert [o for o in operations if o.completion is not Completion.OK] == []


def _in_the_gap(run: RunResult, kind: str) -> Sequence[Operation]:
    """Give what was to begin while the primary failed, or was under way when it began to."""
    windows = list(run.history.fault_windows.values())
    number = KINDS.index(kind)
    # The last kind comes and goes: all windows that are left are its own.
    first, last = windows[number], windows[number] if kind != KINDS[-1] else windows[-1]
    return [
        operation
        for operation in run.history.operations
        if operation.completed_ns > first.injected_ns and operation.intended_ns < last.healed_ns
    ]
