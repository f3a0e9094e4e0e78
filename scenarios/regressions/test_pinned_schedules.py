"""What once found a bug is done again: the schedules of those runs, cut to what mattered.

docs/findings.md tells the findings. A schedule repeats the faults and what clients ask, not the
exact moments: that it passes makes a return of the bug unlikely, and no more.
"""

from dataclasses import dataclass
from pathlib import Path

import allure
import pytest

from harness.runner.scenario import Scenario, scheduled
from harness.runner.schedules import read_schedule
from harness.workloads.settings import Addressing, WorkloadSettings
from scenarios.promises import (  # noqa: F401 (tests of this module, too)
    test_instances_agree_within_the_promised_time,
    test_instances_hold_identical_data,
    test_no_acknowledged_write_is_lost,
    test_no_client_reads_what_is_stale,
    test_nothing_deleted_comes_back,
    test_nothing_is_left_to_do_in_the_log,
    test_nothing_is_there_that_no_client_wrote,
    test_what_became_of_writes_is_told_truly,
)

pytestmark = [pytest.mark.real, pytest.mark.alone, allure.epic("Regressions")]


@dataclass(frozen=True)
class Pinned:
    """A schedule, and the clients that it was found with."""

    name: str
    workload: WorkloadSettings

    def __str__(self) -> str:
        return self.name

    @property
    def scenario(self) -> Scenario:
        """Read the schedule."""
        return scheduled(read_schedule(Path(__file__).with_name(f"{self.name}.json")))


CASES = (
    # An update of a document that did not exist had its effect later, on one instance only.
    Pinned(
        "updates-of-what-is-not-there",
        WorkloadSettings(name="lifecycle", addressing=Addressing.MIXED),
    ),
    # A server killed while it saves an index never takes writes of that collection again.
    Pinned("kills-while-indexes-are-saved", WorkloadSettings()),
    # A server that ends at every write of one collection.
    Pinned("a-server-short-of-memory", WorkloadSettings()),
    # A write that only a torn instance could take was quarantined for it.
    Pinned("a-torn-index-while-the-other-is-away", WorkloadSettings()),
)


@pytest.fixture(scope="module")
def scenario(case: Pinned) -> Scenario:
    """Give the scenario of the schedule."""
    return case.scenario


@pytest.fixture(scope="module")
def seed(scenario: Scenario) -> int:
    """Give the seed that clients had."""
    assert scenario.schedule is not None
    return scenario.schedule.seed
