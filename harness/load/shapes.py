"""Owns how many users a load test has at which time. Pure: knows no clock and starts nobody.

flat    |##########|      all users, from the beginning to the end
ramp    |..--==####|      more and more, in equal stretches
spike   |....##....|      a tenth of them, then all of them at once, then a tenth again
soak    |##########|      all of them in ten stretches, so that a drift shows in the report
steps   |.-=#######|      1, 2, 4, ... users: step to saturation
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import UsageError

_STRETCHES = 10
_SPIKE_SHARE = 10
_CALM, _SPIKE = 0.4, 0.2


@dataclass(frozen=True)
class Level:
    """So many users for so long."""

    name: str
    users: int
    seconds: float


def _flat(users: int) -> Iterator[tuple[int, float]]:
    yield users, 1.0


def _ramp(users: int) -> Iterator[tuple[int, float]]:
    stretches = min(users, _STRETCHES)
    for n in range(1, stretches + 1):
        yield -(-users * n // stretches), 1 / stretches


def _spike(users: int) -> Iterator[tuple[int, float]]:
    few = max(1, users // _SPIKE_SHARE)
    yield few, _CALM
    yield users, _SPIKE
    yield few, _CALM


def _soak(users: int) -> Iterator[tuple[int, float]]:
    for _ in range(_STRETCHES):
        yield users, 1 / _STRETCHES


def _steps(users: int) -> Iterator[tuple[int, float]]:
    counts = [1]
    while counts[-1] < users:
        counts.append(min(users, counts[-1] * 2))
    for count in counts:
        yield count, 1 / len(counts)


SHAPES: Mapping[str, Callable[[int], Iterator[tuple[int, float]]]] = {
    "flat": _flat,
    "ramp": _ramp,
    "spike": _spike,
    "soak": _soak,
    "steps": _steps,
}


def levels_of(shape: str, users: int, seconds: float) -> tuple[Level, ...]:
    """Give the levels of a shape, one after another; raises `UsageError`."""
    if shape not in SHAPES:
        raise UsageError(f"there is no shape {shape!r}; the shapes are {', '.join(SHAPES)}")
    if users < 1 or seconds <= 0:
        raise UsageError("a load has at least one user, and lasts for some time")
    return tuple(
        Level(f"{number}: {count} user{'s' if count > 1 else ''}", count, share * seconds)
        for number, (count, share) in enumerate(SHAPES[shape](users), start=1)
    )


def level_at(levels: Sequence[Level], passed_seconds: float) -> Level | None:
    """Find the level after so many seconds; none when the load is over."""
    end_seconds = 0.0
    for level in levels:
        end_seconds += level.seconds
        if passed_seconds < end_seconds:
            return level
    return None
