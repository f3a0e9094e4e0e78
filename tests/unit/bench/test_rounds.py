"""Interleaving and what is concluded from it."""

import pytest

from bench.rounds import Side, Spread, interleaved, ratio_of_medians, spread

A, B = Side.OURS, Side.THEIRS


def test_a_round_measures_each_side_twice_in_the_order_a_b_b_a():
    assert interleaved(1) == [(A, B, B, A)]


def test_every_other_round_begins_with_the_other_side():
    assert interleaved(3) == [(A, B, B, A), (B, A, A, B), (A, B, B, A)]


def test_a_drift_that_is_even_over_a_round_falls_on_both_alike():
    (turns,) = interleaved(1)
    for side in (A, B):
        moments = [n for n, turn in enumerate(turns) if turn is side]
        assert sum(moments) == 3


def test_the_ratio_is_of_medians_so_that_one_bad_measurement_does_not_count():
    ratio = ratio_of_medians([40.0, 40.0, 1.0, 40.0], [10.0, 10.0, 10.0, 10.0])
    assert ratio is not None
    assert ratio.value == 4.0


def test_the_spread_of_a_ratio_is_that_of_its_rounds():
    ratio = ratio_of_medians([30.0, 30.0, 50.0, 50.0], [10.0, 10.0, 10.0, 10.0])
    assert ratio == Spread(4.0, 3.0, 5.0)


def test_rounds_of_one_measurement_are_compared_one_by_one():
    assert ratio_of_medians([30.0, 50.0], [10.0, 10.0], per_round=1) == Spread(4.0, 3.0, 5.0)


def test_nothing_is_said_when_the_other_side_measured_nothing():
    assert ratio_of_medians([1.0, 1.0], [0.0, 0.0]) is None
    assert ratio_of_medians([1.0, 1.0, 1.0, 1.0], [9.0, 9.0, 0.0, 0.0]) is None


def test_sides_of_different_length_are_refused():
    with pytest.raises(ValueError, match="zip"):
        ratio_of_medians([1.0, 1.0, 1.0, 1.0], [1.0, 1.0])


def test_values_of_one_side_are_summarised_by_median_least_and_most():
    assert spread([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
