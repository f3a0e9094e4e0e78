"""What once found a bug is done again: the schedules of those runs, cut to what mattered.

docs/findings.md tells the findings. A schedule repeats the faults and what clients ask, not the
exact moments: that it passes makes a return of the bug unlikely, and no more.
"""

import allure
import pytest

from harness.runner.scenario import Scenario, scheduled
from scenarios.promises import (  # noqa: F401 (tests of this module, too)
    test_each_fault_was_seen_to_begin_and_to_end,
    test_instances_agree_within_the_promised_time,
    test_instances_hold_identical_data,
    test_no_acknowledged_write_is_lost,
    test_no_client_reads_what_is_stale,
    test_nothing_deleted_comes_back,
    test_nothing_is_left_to_do_in_the_log,
    test_nothing_is_there_that_no_client_wrote,
    test_what_became_of_writes_is_told_truly,
)
from scenarios.regressions.pinned import PINNED, Pinned

pytestmark = [pytest.mark.real, pytest.mark.alone, allure.epic("Regressions")]


CASES = PINNED


@pytest.fixture(scope="module")
def scenario(case: Pinned) -> Scenario:
    """Give the scenario of the schedule."""
    return scheduled(case.schedule)


@pytest.fixture(scope="module")
def seed(scenario: Scenario) -> int:
    """Give the seed that clients had."""
    assert scenario.schedule is not None
    return scenario.schedule.seed
