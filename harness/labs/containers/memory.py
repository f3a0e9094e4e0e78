"""Memory of containers: how much they have, and how often the kernel refused them more.

The limit is set by the engine. What it leads to is read from the container's control group, whose
place is that of its first process: the engine tells refusals on some kernels only.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import psutil

from harness.errors import LabError
from harness.labs.containers.container import Container
from harness.labs.containers.engine import Engine
from harness.labs.control_groups import ControlGroup


class MemoryAccount(ControlGroup):
    """The account of a process's memory."""

    def kept_bytes(self) -> int:
        """Tell what it cannot be relieved of: all but the cache of files."""
        if self.is_first_version:
            used, names = "memory.usage_in_bytes", ["total_cache"]
        else:
            used, names = "memory.current", ["inactive_file", "active_file"]
        figures = self.figures("memory.stat")
        return self.number(used) - sum(figures[name] for name in names)

    def refusals(self) -> int:
        """Count how often the kernel refused memory since the group was made."""
        if self.is_first_version:
            return self.number("memory.failcnt")
        return self.figures("memory.events")["max"]


class LimitsMemoryOfContainers:
    """Gives a lab of containers the ability `InMemory`."""

    _engine: Engine
    _refused_before: dict[str, int]

    async def limit_memory(self, target: str, more_bytes: int) -> None:
        """Limit the container to what it keeps now and so much more."""
        group = self._group(target)
        self._refused_before[target] = group.refusals()
        container = self._containers()[target]
        most_bytes = group.kept_bytes() + more_bytes
        await asyncio.to_thread(self._engine.limit_memory, container.id, most_bytes)

    async def memory_refusals(self, target: str) -> int:
        """Count the refusals; one that killed the container took the account with it."""
        with suppress(OSError):
            return self._group(target).refusals() - self._refused_before.get(target, 0)
        return int(self._engine.state(self._containers()[target].id).lacked_memory)

    async def free_memory(self, target: str) -> None:
        """Let the container have what compose.yaml grants it."""
        container = self._containers()[target]
        # The engine sets limits anew, but takes none back.
        granted_bytes = container.plan.memory_bytes or psutil.virtual_memory().total
        await asyncio.to_thread(self._engine.limit_memory, container.id, granted_bytes)

    def _group(self, target: str) -> MemoryAccount:
        identity = self._containers()[target].identity
        if identity is None:
            raise LabError(f"{target} does not run; start it first")
        return MemoryAccount.of(identity.pid, "memory")

    def _containers(self) -> Mapping[str, Container]:
        raise NotImplementedError
