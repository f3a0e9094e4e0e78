"""Owns the injection of a fault at the moment of an event, or a chosen time after it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from harness.errors import FaultError
from harness.faults.base import Fault
from harness.runner.nemesis import Moment, Nemesis
from harness.triggers.base import Trigger

EVENT_SECONDS = 10.0
"""How long an event is awaited."""


class EventNotSeenError(FaultError):
    """The event did not come in its time: choose one that the workload causes, or more time."""


@dataclass(frozen=True)
class Triggered:
    """A fault that lasts `seconds`, from so many milliseconds after an event."""

    fault: Fault
    trigger: Trigger
    offset_milliseconds: int
    seconds: float

    async def disrupt(self, index: int, nemesis: Nemesis) -> None:
        """Await the event, inject, and heal; without the event nothing is injected."""
        try:
            async with nemesis.disrupt(index, self.fault, self._moment(nemesis)):
                await asyncio.sleep(self.seconds)
        except EventNotSeenError as error:
            nemesis.note_missed(index, self.fault, self._unseen, str(error))

    @property
    def _unseen(self) -> Moment:
        return Moment(self.trigger.name, self.offset_milliseconds)

    @asynccontextmanager
    async def _moment(self, nemesis: Nemesis) -> AsyncIterator[Moment]:
        """Await the moment of injection; what the event stopped goes on when this is left.

        An offset counts from when that was let go on, which then is the moment of the event: it is
        the time that the protocol has to go on in.
        """
        async with AsyncExitStack() as stopped:
            try:
                async with asyncio.timeout(EVENT_SECONDS):
                    sighting = await stopped.enter_async_context(self.trigger.event(nemesis.lab))
            except TimeoutError:
                raise EventNotSeenError(
                    f"{self.trigger.name} was not seen within {EVENT_SECONDS:g} s"
                ) from None
            at_ns = sighting.at_ns
            if self.offset_milliseconds:
                await stopped.aclose()
                at_ns = nemesis.clock()
                await asyncio.sleep(self.offset_milliseconds / 1000)
            yield replace(self._unseen, event_ns=at_ns, event=sighting.what)
