from itertools import combinations

import pytest

from harness.faults.registry import OF_PROCESSES, OF_THE_NETWORK, fault_named
from harness.model.schedule import ScheduledFault
from harness.runner.schedules import random_schedule

SEEDS = range(200)


def overlap(one: ScheduledFault, other: ScheduledFault) -> bool:
    return (
        one.at_seconds < other.at_seconds + other.seconds
        and other.at_seconds < one.at_seconds + one.seconds
    )


def test_the_same_seed_gives_the_same_schedule_and_another_seed_another() -> None:
    assert random_schedule(7, 60.0) == random_schedule(7, 60.0)
    assert random_schedule(7, 60.0) != random_schedule(8, 60.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_fault_can_be_made_and_ends_within_the_schedule(seed: int) -> None:
    for fault in random_schedule(seed, 60.0).faults:
        assert fault_named(fault.fault).name == fault.fault
        assert 0.0 <= fault.at_seconds <= fault.at_seconds + fault.seconds <= 60.0


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_that_overlap_have_different_targets_and_leave_the_lb_a_way_back(seed: int) -> None:
    for one, other in combinations(random_schedule(seed, 60.0).faults, 2):
        if overlap(one, other):
            targets = {one.fault.split()[1], other.fault.split()[1]}
            assert len(targets) == 2
            assert targets != {"lb", "postgres"}


def test_over_some_seeds_every_fault_and_every_server_has_its_turn_and_faults_overlap() -> None:
    schedules = [random_schedule(seed, 60.0).faults for seed in SEEDS]
    words = [fault.fault.split() for faults in schedules for fault in faults]
    assert {word[0] for word in words} == {*OF_PROCESSES, *OF_THE_NETWORK}
    assert {word[1] for word in words} == {"primary", "replica", "postgres", "lb"}
    assert any(overlap(*pair) for faults in schedules for pair in combinations(faults, 2))
