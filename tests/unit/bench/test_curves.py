"""Curves on disk and as plots."""

from bench import curves, plots
from bench.curves import Curve


def some():
    first, second = Curve("a", "one", "clients", "1/s"), Curve("a", "two", "clients", "ms")
    third = Curve("b", "three", "instances", "1/s")
    for curve in (first, second, third):
        for x in (1, 8, 64):
            curve.add("lb", x, 2.0 * x)
            curve.add("plain Chroma", x, 1.0 * x)
    return [first, second, third]


def test_points_go_to_the_series_of_their_label():
    (first, *_) = some()
    assert [each.label for each in first.series] == ["lb", "plain Chroma"]
    assert first.series[0].points == [(1, 2.0), (8, 16.0), (64, 128.0)]


def test_what_was_written_is_read_again(tmp_path):
    path = tmp_path / "curves.json"
    curves.write(some(), path)
    assert curves.read(path) == some()


def test_there_is_one_plot_for_each_name_and_the_same_points_give_the_same_file(tmp_path):
    paths = plots.draw(some(), tmp_path)
    assert [path.name for path in paths] == ["a.svg", "b.svg"]
    before = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in plots.draw(some(), tmp_path)] == before
