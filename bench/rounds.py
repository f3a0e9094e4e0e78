"""Interleaved rounds and what is concluded from them. Pure statistics: measures nothing.

Two subjects share a machine whose speed drifts. In every round each is measured twice, in the
order A B B A, so that a drift that is even over the round falls on both alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

PER_ROUND = 2
"""How often each side is measured in one round."""


class Side(StrEnum):
    """Whose turn it is."""

    OURS = "ours"
    THEIRS = "theirs"


def interleaved(rounds: int) -> list[tuple[Side, ...]]:
    """Give the order of the measurements of every round.

    Every other round begins with the other side, so that neither is always the first.
    """
    a, b = Side.OURS, Side.THEIRS
    return [(b, a, a, b) if number % 2 else (a, b, b, a) for number in range(rounds)]


@dataclass(frozen=True)
class Spread:
    """A median, and the least and the most of the rounds behind it."""

    value: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Summarise values of one side."""
    return Spread(median(values), min(values), max(values))


def ratio_of_medians(
    ours: Sequence[float], theirs: Sequence[float], per_round: int = PER_ROUND
) -> Spread | None:
    """Divide the medians of two sides; low and high are the ratios of single rounds.

    None when the other side has a round of nothing but zeros: nothing can be said then.
    """
    sums = [sum(each) for each in _by_round(theirs, per_round)]
    if not all(sums) or not median(theirs):
        return None
    mine = [sum(each) for each in _by_round(ours, per_round)]
    by_round = [our_sum / their_sum for our_sum, their_sum in zip(mine, sums, strict=True)]
    return Spread(median(ours) / median(theirs), min(by_round), max(by_round))


def _by_round(values: Sequence[float], per_round: int) -> list[Sequence[float]]:
    return [values[n : n + per_round] for n in range(0, len(values), per_round)]
