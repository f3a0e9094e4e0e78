"""A figure: what a benchmark states. Its target may be met or missed; nothing is left out."""

from enum import StrEnum
from typing import Any

import msgspec


class Better(StrEnum):
    """Which way a figure improves."""

    HIGHER = "higher"
    LOWER = "lower"


class Verdict(StrEnum):
    """How a figure stands to its target."""

    MET = "met"
    MISSED = "missed"
    SKIPPED = "skipped"
    NO_TARGET = ""


class Figure(msgspec.Struct, frozen=True):
    """One measured value. Without a value it was skipped, and the note says why.

    `spread` is the least and the most of the single rounds; `command` repeats the measurement.
    """

    name: str
    value: float | None
    unit: str
    target: float | None
    better: Better
    command: str
    spread: tuple[float, float] | None = None
    rounds: int = 1
    note: str = ""

    @property
    def is_ratio(self) -> bool:
        """Whether it compares two subjects of one run."""
        return self.unit == "x"

    @property
    def verdict(self) -> Verdict:
        """Compare the value with the target."""
        if self.value is None:
            return Verdict.SKIPPED
        if self.target is None:
            return Verdict.NO_TARGET
        higher = self.better is Better.HIGHER
        is_met = self.value >= self.target if higher else self.value <= self.target
        return Verdict.MET if is_met else Verdict.MISSED


def rounded(value: float) -> float:
    """Keep four significant digits: more are noise."""
    return float(f"{value:.4g}")


def encode(figures: list[Figure]) -> bytes:
    """Write figures as the list that `results.json` holds."""
    plain: list[Any] = msgspec.to_builtins(figures)
    return msgspec.json.format(msgspec.json.encode(plain), indent=2) + b"\n"


def decode(text: bytes) -> list[Figure]:
    """Read such a list; raises `msgspec.DecodeError`."""
    return msgspec.json.decode(text, type=list[Figure])
