"""Late requests: when a write that is not answered may be given up, and what must happen then.

Time alone never ends a write (invariant 13 of the design). One that was given up can still arrive,
after later writes, and overwrite them. It ends by an answer, by the death of its connection, or
here: by evidence that the connection is broken, because new ones are answered all the while.
"""

import asyncio
import logging
from collections.abc import Callable

from lb.canary import Canary
from lb.upstream import OutstandingWrite, Upstream

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25


class LateRequests:
    """Watches the unanswered writes of one instance.

    A write is reset only after `silence_seconds` without an answer and `settle_seconds` in which
    every canary write on a new connection was answered, all of them begun after it.
    """

    def __init__(
        self,
        upstream: Upstream,
        canary: Canary,
        clock: Callable[[], float],
        silence_seconds: float,
        settle_seconds: float,
    ) -> None:
        self._upstream = upstream
        self._canary = canary
        self._clock = clock
        self._silence_seconds = silence_seconds
        self._settle_seconds = settle_seconds
        self.resets = 0

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self._silent_since(self._clock() - self._silence_seconds):
                await self._gather_evidence()

    async def settled(self) -> None:
        """Return when canary writes have been answered for the settle time (the barrier)."""
        began = self._clock()
        while self._clock() - began < self._settle_seconds:
            if not await self._canary.answers():
                began = self._clock()
            await asyncio.sleep(TICK_SECONDS)

    async def _gather_evidence(self) -> None:
        began = self._clock()
        while self._clock() - began < self._settle_seconds:
            if not await self._canary.answers():
                return
            await asyncio.sleep(TICK_SECONDS)
        for write in self._silent_since(began - self._silence_seconds):
            log.warning(
                "%s: a write is silent while new connections are answered: it is reset",
                self._upstream.instance.name,
            )
            self.resets += 1
            write.reset()

    def _silent_since(self, time: float) -> list[OutstandingWrite]:
        return [write for write in self._upstream.outstanding if write.started_at <= time]
