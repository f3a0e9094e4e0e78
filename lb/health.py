"""The health monitor of one instance: probes quickly when something looks wrong, slowly else."""

import asyncio
from collections.abc import Awaitable, Callable

from lb.errors import InstanceError, NobodyListensError
from lb.instances import Instance, State
from lb.upstream import Upstream

QUICK_SECONDS = 0.1


class HealthMonitor:
    """Keeps one instance's state true.

    `is_behind` tells whether it lags behind a position; `before_service` is awaited when one that
    did not serve answers probes: more may be asked of it than a heartbeat. It may raise
    `InstanceError`.
    """

    def __init__(
        self,
        upstream: Upstream,
        interval_seconds: float,
        timeout_seconds: float,
        log_end: Callable[[], int],
        is_behind: Callable[[str, int], bool],
        before_service: Callable[[], Awaitable[None]],
    ) -> None:
        self._upstream = upstream
        self._interval_seconds = interval_seconds
        self._timeout_seconds = timeout_seconds
        self._log_end = log_end
        self._is_behind = is_behind
        self._before_service = before_service
        self._catch_up_to = 0
        self._wake = asyncio.Event()
        self._is_doubted = False
        self._was_away = True
        upstream.instance.on_suspicion = self._doubt

    @property
    def instance(self) -> Instance:
        """The instance that is watched."""
        return self._upstream.instance

    async def run(self) -> None:
        """Probe until cancelled."""
        while True:
            self._wake.clear()
            await self.check()
            is_settled = self.instance.state in (State.UP, State.MISMATCHED)
            wait = self._interval_seconds if is_settled else QUICK_SECONDS
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def check(self) -> None:
        """Probe once, unless an answer to a client's request has just proved life."""
        instance = self.instance
        instance.expire_force()
        if not self._is_proven_alive():
            self._is_doubted = False
            error, conclusive = await self._probe()
            if error is None and not instance.is_serving:
                error = await self._look_before_service()
            instance.note_probe(error, conclusive=conclusive)
        if self._was_away and instance.is_serving:
            self._catch_up_to = self._log_end()
        self._was_away = not instance.is_serving
        if not self._is_behind(instance.name, self._catch_up_to):
            instance.note_caught_up()

    def _is_proven_alive(self) -> bool:
        instance = self.instance
        recent = instance.seconds_since_answer < self._interval_seconds / 2
        return instance.is_serving and recent and not self._is_doubted

    def _doubt(self) -> None:
        self._is_doubted = True
        self._wake.set()

    async def _look_before_service(self) -> str | None:
        try:
            await self._before_service()
        except InstanceError as error:
            return error.cause
        return None

    async def _probe(self) -> tuple[str | None, bool]:
        try:
            await self._upstream.probe(self._timeout_seconds)
        except TimeoutError:
            return f"no answer to a probe within {self._timeout_seconds:g} s", False
        except InstanceError as error:
            return error.cause, isinstance(error, NobodyListensError)
        return None, False
