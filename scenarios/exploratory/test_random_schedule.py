"""Faults by chance on every server: another schedule each time, unless `--chaos-seed` is given."""

import allure
import pytest

from harness.errors import UsageError
from harness.runner.scenario import Scenario, scheduled
from harness.runner.schedules import random_schedule
from scenarios.promises import (  # noqa: F401 (tests of this module, too)
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

pytestmark = [
    pytest.mark.real,
    pytest.mark.alone,
    # However many minutes are asked for.
    pytest.mark.timeout(0),
    allure.epic("Faults by chance"),
]

SCENARIO = "random"


@pytest.fixture(scope="module")
def scenario(seed: int, pytestconfig: pytest.Config) -> Scenario:
    """Make a schedule of so many minutes, from the seed."""
    minutes = pytestconfig.getoption("--chaos-minutes")
    schedule = random_schedule(seed, minutes * 60)
    if not schedule.faults:
        raise UsageError(f"no fault of seed {seed} fits into {minutes:g} minutes: give more")
    return scheduled(schedule)
