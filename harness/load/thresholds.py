"""Owns what a load test must reach to pass. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Reached:
    """What a load test reached; latencies count from the intended start of each request."""

    requests: int
    failures: int
    p95_ms: float
    p99_ms: float
    requests_per_second: float


@dataclass(frozen=True)
class Thresholds:
    """What it must reach; None where nothing is asked."""

    max_fail_ratio: float | None = 0.0
    max_p95_ms: float | None = None
    max_p99_ms: float | None = None
    min_rate: float | None = None

    def missed(self, reached: Reached) -> Iterator[str]:
        """Say in words what was not reached."""
        ratio = reached.failures / max(1, reached.requests)
        for name, value, most in (
            ("fail ratio", ratio, self.max_fail_ratio),
            ("p95 in ms", reached.p95_ms, self.max_p95_ms),
            ("p99 in ms", reached.p99_ms, self.max_p99_ms),
        ):
            if most is not None and value > most:
                yield f"{name} is {value:g}, at most {most:g} is allowed"
        if self.min_rate is not None and reached.requests_per_second < self.min_rate:
            yield (
                f"requests per second are {reached.requests_per_second:g}, "
                f"at least {self.min_rate:g} are asked"
            )


PASSED, MISSED, NOTHING_DONE = 0, 1, 2
"""Exit codes, as of every command of the harness."""


def exit_code(thresholds: Thresholds, reached: Reached) -> int:
    """Give the exit code of a load test; one that did nothing has proved nothing."""
    if reached.requests == 0:
        return NOTHING_DONE
    return MISSED if any(thresholds.missed(reached)) else PASSED
