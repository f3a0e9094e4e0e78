"""Owns the measurement of the time to converge after a heal, while clients go on.

From the moment the heal is proven until direct reads of *every* instance show, for every document
that no later operation may have touched, what was acknowledged by that moment. Everything is read
each time; what clients touch meanwhile is left to the final reads at rest.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.checkers.expectation import EVERY_FILE, Expectation
from harness.client.instance_reader import InstanceReader
from harness.client.recording import RecordingClient
from harness.errors import HarnessError, InstanceReadError
from harness.model.document import file_of
from harness.model.history import CONVERGED, HistoryWriter, Milestone
from harness.model.operation import Invocation
from harness.polling import poll_until

_INTERVAL_SECONDS = 0.2
_NEVER = "never"


class _TimeOverError(HarnessError):
    """The time was over; what is missing then is the checkers' to say."""


@dataclass(frozen=True)
class ConvergenceWatch:
    """Watches all instances until they hold what they must, and records the moment."""

    log: HistoryWriter
    readers: Sequence[InstanceReader]
    clients: Sequence[RecordingClient]
    clock: Callable[[], int]
    timeout_seconds: float
    at_rest: asyncio.Event

    async def watch(self, window_index: int) -> None:
        """Record `CONVERGED` for that fault window, or nothing when it did not happen.

        Ends when the time is over, or with a last look once the system is at rest.
        """
        completed_before = len(self.log.history.operations)
        expectation = Expectation(self.log.history.operations[:completed_before])

        async def see() -> str:
            at_rest = self.at_rest.is_set()
            if await self._all_meet(expectation, completed_before):
                return CONVERGED
            return _NEVER if at_rest else ""

        try:
            seen = await poll_until(see, self.timeout_seconds, _TimeOverError, _INTERVAL_SECONDS)
        except _TimeOverError:
            return
        if seen == CONVERGED:
            milestone = Milestone(name=CONVERGED, at_ns=self.clock(), detail=str(window_index))
            self.log.append(milestone)

    async def _all_meet(self, expectation: Expectation, completed_before: int) -> bool:
        for reader in self.readers:
            try:
                held = await reader.tokens()
            except InstanceReadError:
                return False
            # Taken after the read: whatever can have changed it has begun by now.
            if expectation.unmet(held, self._touched_since(completed_before)):
                return False
        return True

    def _touched_since(self, completed_before: int) -> set[tuple[str, str]]:
        """Collect the (collection, file) pairs that other operations may have changed."""
        invocations: list[Invocation] = [*self.log.history.operations[completed_before:]]
        invocations += [client.in_flight for client in self.clients if client.in_flight]
        return {
            (invocation.collection, file)
            for invocation in invocations
            if invocation.kind.is_write
            for file in _touched_files(invocation)
        }


def _touched_files(invocation: Invocation) -> tuple[str, ...]:
    if invocation.kind.is_about_collection:
        return (EVERY_FILE,)
    return (invocation.file, *(file_of(i) for i in invocation.ids))
