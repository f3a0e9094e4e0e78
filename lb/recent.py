"""Durations of the last two minutes in bounded memory: percentiles, and how many a second.

Each second has a slot; a slot counts durations in bins that grow by 2 %. So memory depends on
how different durations are, never on how many there were.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain

KEPT_SECONDS = 120
PERCENTILES_OVER_SECONDS = 60
RATE_OVER_SECONDS = 10

SMALLEST_SECONDS = 0.0001
LARGEST_BIN = 1400
"""Years: what an instance that was away applies late is counted as well."""
_LOG_GROWTH = math.log(1.02)


@dataclass(slots=True)
class _Slot:
    """One second. `worst` is exact; bins are not."""

    second: int = -1
    count: int = 0
    worst: float = 0.0
    bins: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spread:
    """How durations were distributed, in seconds; percentiles are exact to 1 %."""

    count: int
    percentiles: tuple[float | None, ...]
    worst: float | None


class Recent:
    """A window of durations that slides by the second of the clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._slots = [_Slot() for _ in range(KEPT_SECONDS + 1)]

    def note(self, seconds: float) -> None:
        """Take one duration in."""
        second = int(self._clock())
        slot = self._slots[second % len(self._slots)]
        if slot.second != second:
            slot.second, slot.count, slot.worst, slot.bins = second, 0, 0.0, {}
        slot.count += 1
        if seconds > slot.worst:
            slot.worst = seconds
        number = bin_of(seconds)
        slot.bins[number] = slot.bins.get(number, 0) + 1

    def per_second(self) -> float:
        """Return how many there were a second, over the last ten that are complete."""
        return sum(slot.count for slot in self._latest(RATE_OVER_SECONDS)) / RATE_OVER_SECONDS

    def spread(self, *wanted: float) -> Spread:
        """Return percentiles (0.5 is the median) over the last minute, this second included."""
        slots = [*self._latest(PERCENTILES_OVER_SECONDS), self._current()]
        return spread_of(slots, wanted)

    def history(self, percentile: float) -> tuple[list[int], list[float | None]]:
        """Return the count and a percentile of each complete second, the oldest first."""
        slots = self._latest(KEPT_SECONDS)
        spreads = [spread_of((slot,), (percentile,)) for slot in slots]
        return [slot.count for slot in slots], [each.percentiles[0] for each in spreads]

    def _latest(self, seconds: int) -> list[_Slot]:
        """Return the slots of the last complete seconds, empty ones where nothing happened."""
        now = int(self._clock())
        return [self._at(second) for second in range(now - seconds, now)]

    def _current(self) -> _Slot:
        return self._at(int(self._clock()))

    def _at(self, second: int) -> _Slot:
        slot = self._slots[second % len(self._slots)]
        return slot if slot.second == second else _NOTHING


_NOTHING = _Slot()


def bin_of(seconds: float) -> int:
    """Return the number of the bin that a duration belongs to."""
    if seconds <= SMALLEST_SECONDS:
        return 0
    return min(LARGEST_BIN, 1 + int(math.log(seconds / SMALLEST_SECONDS) / _LOG_GROWTH))


def middle_of(number: int) -> float:
    """Return a duration that is at most 1 % from all others of the bin."""
    return SMALLEST_SECONDS * math.exp((number - 0.5) * _LOG_GROWTH) if number else SMALLEST_SECONDS


def spread_of(slots: Sequence[_Slot], wanted: Iterable[float]) -> Spread:
    """Read percentiles out of slots; None where there was nothing."""
    count = sum(slot.count for slot in slots)
    if not count:
        return Spread(0, tuple(None for _ in wanted), None)
    bins: dict[int, int] = {}
    for number, times in chain.from_iterable(slot.bins.items() for slot in slots):
        bins[number] = bins.get(number, 0) + times
    worst = max(slot.worst for slot in slots)
    ordered = sorted(bins.items())
    found = tuple(min(worst, _at_rank(ordered, share * count)) for share in wanted)
    return Spread(count, found, worst)


def _at_rank(ordered: Sequence[tuple[int, int]], rank: float) -> float:
    passed = accumulate(times for _, times in ordered)
    index = next(index for index, total in enumerate(passed) if total >= rank)
    return middle_of(ordered[index][0])
