"""Owns the choice among things of which some are wanted more than others."""

import random
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")


def pick(source: random.Random, choices: Sequence[T], skew: float) -> T:
    """Choose by Zipf's law with that exponent: the first is wanted most; 0 wants all alike."""
    if skew == 0:
        return source.choice(choices)
    return source.choices(choices, _weights(len(choices), skew))[0]


@lru_cache
def _weights(count: int, skew: float) -> tuple[float, ...]:
    return tuple(rank**-skew for rank in range(1, count + 1))
