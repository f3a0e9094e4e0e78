import random

import pytest

from lb.recent import KEPT_SECONDS, LARGEST_BIN, SMALLEST_SECONDS, Recent, bin_of, middle_of


class HandClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def recent(clock: HandClock) -> Recent:
    return Recent(clock)


def test_nothing_has_no_percentiles(recent: Recent) -> None:
    spread = recent.spread(0.5, 0.95)

    assert (spread.count, spread.percentiles, spread.worst) == (0, (None, None), None)
    assert recent.per_second() == 0


def test_percentiles_are_exact_to_one_percent(recent: Recent) -> None:
    chance = random.Random(7)
    noted = sorted(chance.lognormvariate(-4, 1.5) for _ in range(5000))
    for seconds in noted:
        recent.note(seconds)

    spread = recent.spread(0.5, 0.95, 0.99)

    exact = [noted[int(share * len(noted)) - 1] for share in (0.5, 0.95, 0.99)]
    assert spread.percentiles == pytest.approx(exact, rel=0.011)
    assert (spread.count, spread.worst) == (5000, noted[-1])


def test_no_percentile_is_above_the_worst(recent: Recent) -> None:
    recent.note(0.0101)

    assert recent.spread(0.99).percentiles == (0.0101,)


def test_percentiles_forget_after_a_minute(recent: Recent, clock: HandClock) -> None:
    recent.note(5.0)
    clock.now += 60
    assert recent.spread(0.5).count == 1
    clock.now += 1
    assert recent.spread(0.5).count == 0


def test_the_rate_is_over_the_last_ten_complete_seconds(recent: Recent, clock: HandClock) -> None:
    for _ in range(10):
        for _ in range(7):
            recent.note(0.01)
        clock.now += 1
    recent.note(0.01)
    assert recent.per_second() == 7
    clock.now += 5
    assert recent.per_second() == pytest.approx((5 * 7 + 1) / 10)
    clock.now += 100
    assert recent.per_second() == 0


def test_the_history_has_each_second_in_order(recent: Recent, clock: HandClock) -> None:
    recent.note(0.25)
    clock.now += 2
    recent.note(0.5)
    recent.note(0.5)
    clock.now += 1

    counts, percentiles = recent.history(0.95)

    assert len(counts) == len(percentiles) == KEPT_SECONDS
    assert counts[-4:] == [0, 1, 0, 2]
    assert percentiles[-4:] == [None, pytest.approx(0.25, rel=0.01), None, 0.5]


def test_a_slot_that_is_used_again_forgets_what_it_held(recent: Recent, clock: HandClock) -> None:
    recent.note(0.25)
    clock.now += KEPT_SECONDS + 1
    recent.note(0.5)

    spread = recent.spread(0.5)

    assert (spread.count, spread.worst) == (1, 0.5)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, SMALLEST_SECONDS, 1e12])
def test_every_duration_has_a_bin(recent: Recent, seconds: float) -> None:
    recent.note(seconds)

    assert recent.spread(0.5).count == 1


def test_bins_are_bounded_and_close_to_what_they_hold() -> None:
    assert bin_of(1e12) == LARGEST_BIN
    for seconds in (0.0002, 0.001, 0.0333, 1.0, 59.0, 86_400.0):
        assert middle_of(bin_of(seconds)) == pytest.approx(seconds, rel=0.0101)
