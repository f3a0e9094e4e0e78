"""Shares of functions in a profile."""

import json

from bench.stacks import Share, shares


def recording(samples, weights):
    frames = [
        {"name": "run", "file": "/usr/lib/asyncio/a.py"},
        {"name": "send", "file": "b.py"},
        {"name": "native"},
    ]
    profile = {"type": "sampled", "samples": samples, "weights": weights}
    return json.dumps({"shared": {"frames": frames}, "profiles": [profile]}).encode()


def test_own_time_is_the_innermost_function_s_and_total_that_of_all_callers():
    found = shares(recording([[0, 1], [0]], [3.0, 1.0]))
    assert found == [Share("send (b.py)", 0.75, 0.75), Share("run (asyncio/a.py)", 0.25, 1.0)]


def test_a_recursive_function_counts_once_in_a_sample():
    assert shares(recording([[0, 0, 2]], [2.0]))[1] == Share("run (asyncio/a.py)", 0.0, 1.0)


def test_a_recording_without_samples_has_no_shares():
    assert shares(recording([], [])) == []
