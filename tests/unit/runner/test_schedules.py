from itertools import combinations

import pytest

from harness.faults.registry import (
    FAULTS,
    OF_ADMINISTRATORS,
    OF_HTTP,
    OF_SAVED_INDEXES,
    fault_named,
)
from harness.model.schedule import ScheduledFault
from harness.runner.composition import refuse_hiding
from harness.runner.schedules import CHANCES, OF_A_PREPARED_LAB, random_schedule

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
    assert {word[0] for word in words} == set(CHANCES) <= set(FAULTS)
    assert {word[1] for word in words} == {"primary", "replica", "postgres", "lb"}
    assert any(overlap(*pair) for faults in schedules for pair in combinations(faults, 2))


def test_a_prepared_lab_gets_every_fault_of_its_own_where_it_can_be_done() -> None:
    faults = [f for s in SEEDS for f in random_schedule(s, 60.0, OF_A_PREPARED_LAB).faults]
    never_drawn = {*OF_HTTP, *OF_SAVED_INDEXES, *OF_ADMINISTRATORS}
    assert {f.fault.split()[0] for f in faults} == set(FAULTS) - never_drawn
    assert all(fault_named(f.fault).name == f.fault for f in faults)
    on_lb = {f.fault.split()[0] for f in faults if f.fault.split()[1] == "lb"}
    assert {"cut", "stop", "failpoint"} <= on_lb
    assert not on_lb & {"disk-full", "read-only-disk", "memory-limit"}


def test_what_may_ruin_a_copy_for_good_hits_one_instance_of_a_schedule() -> None:
    hit = set()
    for seed in SEEDS:
        faults = random_schedule(seed, 600.0, OF_A_PREPARED_LAB).faults
        words = [fault.fault.split() for fault in faults]
        ruined = {target for kind, target, *_ in words if kind in ("disk-full", "read-only-disk")}
        assert len(ruined) <= 1
        hit |= ruined
    assert hit == {"primary", "replica"}


def test_faults_come_by_their_weights() -> None:
    words = [f.fault.split() for seed in SEEDS for f in random_schedule(seed, 60.0).faults]
    on_instances = [kind for kind, target, *_ in words if target in ("primary", "replica")]
    assert 1.5 < on_instances.count("kill") / on_instances.count("cut") < 2.7
    assert {kind for kind, target, *_ in words if target == "lb"} == {"kill", "pause"}


def test_a_kind_that_is_added_changes_only_the_faults_that_it_takes() -> None:
    before = random_schedule(7, 600.0).faults
    after = random_schedule(7, 600.0, {**CHANCES, "stop": CHANCES["cut"]}).faults
    others = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
    assert 0 < len(others) < len(before) / 4
    assert all(other.fault.startswith("stop ") for _, other in others)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_random_schedule_is_refused(seed: int) -> None:
    refuse_hiding(random_schedule(seed, 300.0).faults)


def test_a_seed_means_today_what_it_meant_when_it_was_reported() -> None:
    faults = random_schedule(7, 12.0).faults
    assert [f"{f.fault} {f.at_seconds:g} {f.seconds:g}" for f in faults] == [
        "kill replica 1.039 1.356",
        "bandwidth postgres 8 4.566 3.471",
        "pause primary 5.574 5.365",
    ]
