"""Losses against the last committed results."""

import pytest

from bench import results
from bench.figure import Better, Figure, encode
from bench.results import Loss, losses, missed


def figure(name, value, better=Better.HIGHER, target=None):
    return Figure(name, value, "x", target, better, "make bench")


def test_a_rate_that_fell_by_more_than_15_percent_is_a_loss():
    assert losses([figure("a", 100.0)], [figure("a", 84.0)]) == [Loss("a", 100.0, 84.0)]
    assert losses([figure("a", 100.0)], [figure("a", 86.0)]) == []


def test_a_latency_that_grew_by_more_than_15_percent_is_a_loss():
    lower = Better.LOWER
    found = losses([figure("a", 100.0, lower)], [figure("a", 116.0, lower)])
    assert found == [Loss("a", 100.0, 116.0)]
    assert losses([figure("a", 100.0, lower)], [figure("a", 114.0, lower)]) == []


def test_a_gain_is_no_loss_however_large():
    assert losses([figure("a", 1.0)], [figure("a", 50.0)]) == []
    assert losses([figure("a", 50.0, Better.LOWER)], [figure("a", 1.0, Better.LOWER)]) == []


def test_what_was_skipped_or_is_new_cannot_be_compared():
    assert (
        losses([figure("a", None), figure("b", 1.0)], [figure("a", 1.0), figure("b", None)]) == []
    )
    assert losses([], [figure("a", 1.0)]) == []


def test_a_loss_says_by_how_much():
    assert Loss("a", 100.0, 80.0).share == pytest.approx(0.2)
    assert Loss("a", 10.0, 15.0).share == pytest.approx(0.5)


def test_only_misses_are_missed():
    figures = [figure("a", 1.0, target=2.0), figure("b", 3.0, target=2.0), figure("c", None)]
    assert [each.name for each in missed(figures)] == ["a"]


def test_results_are_read_with_their_detail(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(results, "DETAIL", tmp_path / "results-detail.json")
    figures = [figure("a", 1.0)]
    results.write(figures, {"machine": {"cores": "2"}})
    assert results.read() == (figures, {"machine": {"cores": "2"}})
    assert (tmp_path / "results.json").read_bytes() == encode(figures)


def test_without_committed_results_there_are_none(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "DIRECTORY", tmp_path)
    assert results.committed() == []
