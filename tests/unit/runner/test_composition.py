from itertools import pairwise

import pytest

from harness.errors import UsageError
from harness.model.schedule import ScheduledFault
from harness.runner.composition import composed, flapping, refuse_hiding


def fault(words: str, at_seconds: float, seconds: float) -> ScheduledFault:
    return ScheduledFault(fault=words, at_seconds=at_seconds, seconds=seconds)


def test_faults_without_times_are_up_all_the_time_and_at_once() -> None:
    schedule = composed(["kill primary", "latency postgres 500"], 7, 20.0)
    assert schedule.faults == (
        fault("kill primary", 0.0, 20.0),
        fault("latency postgres 500", 0.0, 20.0),
    )
    assert (schedule.seed, schedule.seconds) == (7, 20.0)


def test_faults_follow_one_another_in_the_order_of_their_times() -> None:
    schedule = composed(["cut replica at 12.5", "kill primary at 2 for 5"], 7, 20.0)
    assert schedule.faults == (
        fault("kill primary", 2.0, 5.0),
        fault("cut replica", 12.5, 7.5),
    )


def test_a_fault_flaps_as_often_as_it_is_told_to() -> None:
    schedule = composed(["kill primary at 1 for 1 every 2.5 times 3"], 7, 20.0)
    assert schedule.faults == flapping("kill primary", 1.0, 1.0, 2.5, 3)
    assert [each.at_seconds for each in schedule.faults] == [1.0, 3.5, 6.0]
    assert {each.seconds for each in schedule.faults} == {1.0}


@pytest.mark.parametrize(
    ("words", "seconds", "times"),
    [
        ("kill primary for 1 every 2.5", 20.0, 8),
        ("kill primary for 1 every 2.5", 18.5, 8),
        ("kill primary for 1 every 2.5", 18.4, 7),
        ("kill primary for 0.1 every 0.3", 1.0, 4),
    ],
)
def test_a_fault_flaps_as_long_as_there_is_time(words: str, seconds: float, times: int) -> None:
    faults = composed([words], 7, seconds).faults
    assert len(faults) == times
    assert faults[-1].at_seconds + faults[-1].seconds <= seconds
    assert all(one.at_seconds + one.seconds < next_.at_seconds for one, next_ in pairwise(faults))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("kill primary at", "After the fault come times"),
        ("kill primary at two", "After the fault come times"),
        ("kill primary at nan", "After the fault come times"),
        ("kill primary at -1", "After the fault come times"),
        ("kill primary at 1 at 2", "After the fault come times"),
        ("kill primary for 0", "After the fault come times"),
        ("kill primary for 1 every 2 times 2.5", "After the fault come times"),
        ("kill primary for 1 every 2 times 0", "After the fault come times"),
        ("kill primary for 1 2", "After the fault come times"),
        ("kill primary for 2 every 2", "an `every` that is longer"),
        ("kill primary every 2", "has a `for`"),
        ("kill primary for 1 times 2", "has a `for`, and an `every`"),
        ("kill primary at 15 for 6", "within the 20 s"),
        ("kill primary at 20", "within the 20 s"),
        ("kill primary for 1 every 2 times 11", "within the 20 s"),
        ("at 2 for 3", "there is no fault ''"),
        ("smash primary at 2", "there is no fault 'smash'"),
    ],
)
def test_wrong_words_are_answered_with_what_is_wrong(words: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        composed([words], 7, 20.0)


@pytest.mark.parametrize(
    "faults",
    [
        [fault("kill primary", 0.0, 5.0), fault("latency primary 500", 4.9, 5.0)],
        [fault("cut replica", 3.0, 1.0), fault("pause replica", 0.0, 9.0)],
        [fault("cut replica", 0.0, 5.0), fault("kill toxiproxy", 1.0, 1.0)],
        [fault("kill lb", 0.0, 9.0), fault("pause lb", 0.0, 1.0), fault("kill lb", 9.0, 1.0)],
    ],
)
def test_two_faults_that_hide_one_another_are_refused(faults: list[ScheduledFault]) -> None:
    with pytest.raises(UsageError, match=r"\(\d.* would hide one another"):
        refuse_hiding(faults)


@pytest.mark.parametrize(
    "faults",
    [
        [fault("kill primary", 0.0, 5.0), fault("latency primary 500", 5.0, 5.0)],
        [fault("cut replica", 0.0, 5.0), fault("kill primary", 0.0, 5.0)],
        [fault("kill lb", 0.0, 5.0), fault("kill toxiproxy", 1.0, 1.0)],
        list(flapping("kill primary", 0.0, 1.0, 1.5, 20)),
    ],
)
def test_faults_that_can_be_told_apart_are_not_refused(faults: list[ScheduledFault]) -> None:
    refuse_hiding(faults)


def test_a_schedule_of_a_whole_day_is_looked_at_in_no_time() -> None:
    refuse_hiding(flapping("kill primary", 0.0, 1.0, 4.0, 20_000))
