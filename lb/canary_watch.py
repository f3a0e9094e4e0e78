"""The canary watch of one instance: when its ability to write is tested, and who hears of it."""

import asyncio
from collections.abc import Callable

from lb.canary import Canary
from lb.instances import Instance
from lb.suspicion import CanaryAnswer, CanaryResult

TICK_SECONDS = 0.25
RETRY_SECONDS = 0.5


class CanaryWatch:
    """Writes a canary at once when a write got a 5xx, again while it fails, and when idle.

    An answer with a 5xx ends the instance's service until a canary succeeds. No answer proves
    nothing: heartbeats decide, because a slow server is not a dead one.
    """

    def __init__(
        self,
        instance: Instance,
        canary: Canary,
        clock: Callable[[], float],
        interval_seconds: float,
        on_answer: Callable[[str, CanaryAnswer], None],
    ) -> None:
        self._instance = instance
        self._canary = canary
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._on_answer = on_answer
        self._wake = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._last_look = float("-inf")
        instance.on_write_failure = self._wake.set

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                async with asyncio.timeout(TICK_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                if not self._is_due():
                    continue
            self._wake.clear()
            await self.look()

    async def look(self) -> None:
        """Write a canary now, and tell what became of it."""
        async with self._one_at_a_time:
            answer = await self._canary.ask()
            self._last_look = answer.ended_at
        if answer.result is CanaryResult.FAILED:
            self._instance.note_canary(answer.error, answer.began_at)
        elif answer.result is not CanaryResult.SILENT:
            self._instance.note_canary(None, answer.began_at)
        self._on_answer(self._instance.name, answer)

    async def look_before_service(self) -> None:
        """Write a canary before an instance that was away serves, unless `run` does that anyway."""
        if not self._instance.write_error:
            await self.look()

    def _is_due(self) -> bool:
        instance, quiet = self._instance, self._clock() - self._last_look
        if instance.write_error:
            return quiet >= RETRY_SECONDS
        idle = min(quiet, instance.seconds_since_write)
        return instance.is_serving and idle >= self._interval_seconds
