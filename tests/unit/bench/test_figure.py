"""Figures, their targets, and the file that they are kept in."""

import json

from bench.figure import Better, Figure, Verdict, decode, encode, rounded


def figure(value, target=3.0, better=Better.HIGHER, **more):
    return Figure("rate", value, "x", target, better, "make bench", **more)


def test_more_than_the_target_is_met_where_higher_is_better():
    assert figure(3.0).verdict is Verdict.MET
    assert figure(2.99).verdict is Verdict.MISSED


def test_less_than_the_target_is_met_where_lower_is_better():
    assert figure(3.0, better=Better.LOWER).verdict is Verdict.MET
    assert figure(3.01, better=Better.LOWER).verdict is Verdict.MISSED


def test_what_was_not_measured_is_skipped_not_met():
    assert figure(None).verdict is Verdict.SKIPPED


def test_without_a_target_nothing_is_judged():
    assert figure(3.0, target=None).verdict is Verdict.NO_TARGET


def test_the_file_is_a_list_with_the_fields_that_others_read():
    (read,) = json.loads(encode([figure(3.5, spread=(3.0, 4.0), rounds=2)]))
    wanted = {
        "name": "rate",
        "value": 3.5,
        "unit": "x",
        "target": 3.0,
        "better": "higher",
        "command": "make bench",
    }
    assert wanted.items() <= read.items()


def test_what_was_written_is_read_again():
    figures = [figure(3.5, spread=(3.0, 4.0), rounds=2, note="a note"), figure(None)]
    assert decode(encode(figures)) == figures


def test_a_file_with_only_the_fields_that_others_read_is_understood():
    text = b'[{"name":"a","value":1,"unit":"x","target":null,"better":"lower","command":"c"}]'
    assert decode(text) == [Figure("a", 1.0, "x", None, Better.LOWER, "c")]


def test_digits_that_are_noise_are_dropped():
    assert rounded(1234.56) == 1235.0
    assert rounded(0.0123456) == 0.01235
