"""Owns when one client process intends to begin each of its operations. Waits for nothing itself.

In the open loop a client that was held up begins the next operation at once and keeps the intended
starts, so that the latency of what it could not send in time counts too (no coordinated omission).
In the closed loop an operation is intended when the client has its last answer and has thought.
"""

from dataclasses import dataclass
from typing import Self


def client_names(count: int) -> tuple[str, ...]:
    """Name the client processes of a run."""
    return tuple(f"client-{n}" for n in range(1, count + 1))


@dataclass(frozen=True)
class Pace:
    """The intended starts of one client process: `first_ns`, then every `interval_ns`."""

    first_ns: int
    interval_ns: int

    @classmethod
    def of(cls, name: str, count: int, operations_per_second: float, start_ns: int) -> Self:
        """Give one of `count` clients its share of the rate, staggered evenly after `start_ns`.

        The share is the same when others do not take part.
        """
        interval_ns = round(count / operations_per_second * 1e9)
        place = client_names(count).index(name)
        return cls(start_ns + place * interval_ns // count, interval_ns)

    def next_ns(self, intended_ns: int, completed_ns: int) -> int:
        """Give the start after that one, whenever its operation ended."""
        del completed_ns
        return intended_ns + self.interval_ns


@dataclass(frozen=True)
class ClosedPace:
    """The starts of a client that waits for each answer, and then thinks."""

    first_ns: int
    think_ns: int

    def next_ns(self, intended_ns: int, completed_ns: int) -> int:
        """Give the start after an operation that ended then."""
        del intended_ns
        return completed_ns + self.think_ns
