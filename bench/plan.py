"""How much is measured: whole, or quickly."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.order import Outcome
from bench.rig import Rig


@dataclass(frozen=True)
class Plan:
    """Rounds of A B B A, and how long each measurement is.

    `slow_window_seconds` is for loads under which plain Chroma takes seconds for one request.
    """

    name: str
    rounds: int
    warmup_seconds: float
    window_seconds: float
    slow_window_seconds: float
    documents: int
    backlog: int
    lag_seconds: float


WHOLE = Plan(
    name="whole",
    rounds=3,
    warmup_seconds=0.6,
    window_seconds=2.5,
    slow_window_seconds=6.0,
    documents=2_000,
    backlog=2_000,
    lag_seconds=10.0,
)

QUICK = Plan(
    name="quick",
    rounds=1,
    warmup_seconds=0.3,
    window_seconds=0.8,
    slow_window_seconds=3.0,
    documents=500,
    backlog=150,
    lag_seconds=3.0,
)


CURVES = replace(WHOLE, name="curves", rounds=1, window_seconds=1.8, slow_window_seconds=4.5)


@dataclass(frozen=True)
class Bench:
    """What every case is given: the plan, places for logs and data, and whom to tell how it goes.

    `detail` keeps the single measurements by name.
    """

    plan: Plan
    directory: Path
    data_place: Path
    tell: Callable[[str], None]
    detail: dict[str, Any] = field(default_factory=dict)

    def rig(self, name: str) -> AbstractAsyncContextManager[Rig]:
        """Open a rig of servers whose logs go by that name."""
        return Rig.open(self.directory / name, self.data_place)

    def rounds_of(self, part: float = 1.0) -> int:
        """Give the number of rounds for a case that takes that part of them, at least one."""
        return max(1, round(self.plan.rounds * part))

    def note(self, name: str, outcome: Outcome) -> None:
        """Keep a single measurement."""
        self.detail.setdefault(name, []).append(outcome)
