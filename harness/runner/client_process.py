"""Owns the pace of one client process: each operation has an intended start, kept whatever happens.

In the open loop a client that was held up begins the next operation at once and keeps the intended
starts, so that the latency of what it could not send in time counts too (no coordinated omission).
In the closed loop an operation is intended when the client has its last answer and has thought.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from harness.client.recording import RecordingClient
from harness.errors import UsageError
from harness.model.operation import Invocation

SETUP = "setup"
"""The client process that makes the steady state, before the others begin."""


def client_names(count: int) -> tuple[str, ...]:
    """Name the client processes of a run."""
    return tuple(f"client-{n}" for n in range(1, count + 1))


def taking_part(count: int, chosen: Sequence[str]) -> tuple[str, ...]:
    """Name those that take part; none chosen means all. Raises `UsageError` for others."""
    names = client_names(count)
    if unknown := [name for name in chosen if name not in names]:
        raise UsageError(f"the run has no {', '.join(unknown)}; its clients are {', '.join(names)}")
    return tuple(name for name in names if name in chosen) or names


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


class ClientProcess:
    """Performs invocations one after another, at their intended starts, until told to stop."""

    def __init__(
        self,
        client: RecordingClient,
        invocations: Iterable[Invocation],
        pace: Pace | ClosedPace,
        clock: Callable[[], int],
    ) -> None:
        self.client = client
        self._invocations = invocations
        self._pace = pace
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; the operation under way then is finished."""
        intended_ns = self._pace.first_ns
        for invocation in self._invocations:
            if await self._stopped_before(intended_ns, stop):
                return
            await self.client.perform(invocation, intended_ns)
            intended_ns = self._pace.next_ns(intended_ns, self._clock())

    async def _stopped_before(self, intended_ns: int, stop: asyncio.Event) -> bool:
        """Wait for the intended start; tell whether `stop` came first."""
        ahead_seconds = (intended_ns - self._clock()) / 1e9
        if ahead_seconds <= 0:
            return stop.is_set()
        try:
            await asyncio.wait_for(stop.wait(), ahead_seconds)
        except TimeoutError:
            return False
        return True
