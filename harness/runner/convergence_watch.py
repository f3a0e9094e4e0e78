"""Owns the measurement of the time to converge after a heal, while clients go on.

From the moment the heal is proven until direct reads of *every* instance show, for every document
that no later operation may have touched, what was acknowledged by that moment. Everything is read
each time; what clients touch meanwhile is left to the final reads at rest. After a look there is a
rest three times as long, because reading whole instances slows down those that catch up.

What was under way at a look is known at once of clients of our own, and of others when it has
ended: a look that was not as it must be is looked at again when more is known.
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
from harness.model.operation import Invocation, Operation
from harness.polling import poll_until

_INTERVAL_SECONDS = 0.2
_REST = 3.0
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
        looks: list[tuple[_View, ...]] = []
        loop = asyncio.get_running_loop()

        async def see() -> str:
            at_rest = self.at_rest.is_set()
            began_seconds = loop.time()
            if look := await self._look(expectation):
                looks.append(look)
            took_seconds = loop.time() - began_seconds
            if self._first_explained(looks, completed_before):
                return CONVERGED
            if at_rest:
                return _NEVER
            await asyncio.sleep(_REST * took_seconds)
            return ""

        try:
            seen = await poll_until(see, self.timeout_seconds, _TimeOverError, _INTERVAL_SECONDS)
        except _TimeOverError:
            return
        if seen == CONVERGED:
            last_view = self._first_explained(looks, completed_before)[-1]
            detail = str(window_index)
            self.log.append(Milestone(name=CONVERGED, at_ns=last_view.at_ns, detail=detail))

    async def _look(self, expectation: Expectation) -> tuple["_View", ...]:
        """Read every instance; nothing when one cannot be read."""
        views: list[_View] = []
        for reader in self.readers:
            try:
                held = await reader.tokens()
            except InstanceReadError:
                return ()
            unmet = frozenset((key[0], file_of(key[1])) for key in expectation.unmet(held, set()))
            # Taken after the read: whatever can have changed it has begun by now.
            in_flight = tuple(client.in_flight for client in self.clients if client.in_flight)
            views.append(_View(self.clock(), unmet, in_flight))
        return tuple(views)

    def _first_explained(
        self, looks: Sequence[tuple["_View", ...]], completed_before: int
    ) -> tuple["_View", ...]:
        """Find the first look in which all was as it must be, or may have been changed since."""
        later = self.log.history.operations[completed_before:]
        return next((look for look in looks if all(each.is_met(later) for each in look)), ())


@dataclass(frozen=True)
class _View:
    """What was not on one instance as it must be, by collection and file, and what was under way.

    As far as was known then: clients in other processes tell of an operation when it has ended.
    """

    at_ns: int
    unmet: frozenset[tuple[str, str]]
    in_flight: tuple[Invocation, ...]

    def is_met(self, later: Sequence[Operation]) -> bool:
        """Tell whether operations that had begun may have changed all that was not as it must."""
        if not self.unmet:
            return True
        begun = (operation for operation in later if operation.invoked_ns <= self.at_ns)
        touched = _touched([*begun, *self.in_flight])
        return all(place in touched or (place[0], EVERY_FILE) in touched for place in self.unmet)


def _touched(invocations: Sequence[Invocation]) -> set[tuple[str, str]]:
    """Collect the (collection, file) pairs that they may have changed."""
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
