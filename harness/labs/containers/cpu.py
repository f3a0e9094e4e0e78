"""CPU time of containers: the engine limits it, and takes the limit back."""

import asyncio
from collections.abc import Mapping

from harness.labs.containers.container import Container
from harness.labs.containers.engine import Engine
from harness.labs.cpu import PERIOD_US, CountsThrottling, quota_us

_NO_LIMIT = -1


class LimitsCpuOfContainers(CountsThrottling):
    """Gives a lab of containers the ability `OnCpu`."""

    _engine: Engine

    async def limit_cpu(self, target: str, percent: int) -> None:
        """Let the container run so much of each period."""
        await self._set_quota(target, quota_us(percent))

    async def free_cpu(self, target: str) -> None:
        """Let it run whenever it wants to."""
        await self._set_quota(target, _NO_LIMIT)

    async def _set_quota(self, target: str, quota: int) -> None:
        container = self._containers()[target]
        await asyncio.to_thread(self._engine.limit_cpu, container.id, PERIOD_US, quota)

    def _containers(self) -> Mapping[str, Container]:
        raise NotImplementedError
