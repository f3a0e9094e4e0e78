import pytest

from harness.load.thresholds import MISSED, NOTHING_DONE, PASSED, Reached, Thresholds, exit_code

REACHED = Reached(requests=200, failures=2, p95_ms=80.0, p99_ms=300.0, requests_per_second=40.0)


@pytest.mark.parametrize(
    ("thresholds", "missed"),
    [
        (Thresholds(), ["fail ratio is 0.01, at most 0 is allowed"]),
        (Thresholds(max_fail_ratio=0.01), []),
        (Thresholds(max_fail_ratio=None, max_p95_ms=80.0), []),
        (
            Thresholds(max_fail_ratio=None, max_p95_ms=79.0, max_p99_ms=299.0),
            ["p95 in ms is 80, at most 79 is allowed", "p99 in ms is 300, at most 299 is allowed"],
        ),
        (
            Thresholds(max_fail_ratio=None, min_rate=41.0),
            ["requests per second are 40, at least 41 are asked"],
        ),
        (Thresholds(max_fail_ratio=None, min_rate=40.0), []),
    ],
)
def test_what_is_missed_is_said_and_sets_the_exit_code(
    thresholds: Thresholds, missed: list[str]
) -> None:
    assert list(thresholds.missed(REACHED)) == missed
    assert exit_code(thresholds, REACHED) == (MISSED if missed else PASSED)


def test_a_load_without_a_request_has_proved_nothing() -> None:
    assert exit_code(Thresholds(), Reached(0, 0, 0.0, 0.0, 0.0)) == NOTHING_DONE
