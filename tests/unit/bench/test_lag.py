"""Lags from answers and sights of cursors."""

import pytest

from bench.cases.lag import Sight, lags

SIGHTS = [Sight(1.0, 10), Sight(1.1, 10), Sight(1.2, 12), Sight(1.3, 15)]


def test_the_lag_lasts_until_the_position_is_first_seen_to_be_passed():
    assert lags({11: 1.05, 12: 1.15, 13: 1.15}, SIGHTS) == pytest.approx([0.15, 0.05, 0.15])


def test_what_every_instance_had_before_the_answer_has_no_lag():
    assert lags({10: 1.05}, SIGHTS) == [0.0]


def test_what_was_never_seen_is_left_out():
    assert lags({16: 1.0}, SIGHTS) == []
