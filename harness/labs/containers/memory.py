"""Memory of containers: how much they have, and how often the kernel refused them more.

The limit is set by the engine. What it leads to is read from the container's control group, whose
place is that of its first process: the engine tells refusals on some kernels only.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from harness.errors import LabError
from harness.labs.containers.container import Container
from harness.labs.containers.engine import Engine

_ROOT = Path("/sys/fs/cgroup")


class ControlGroup:
    """The account of a process's memory; it is gone when its last process is."""

    def __init__(self, directory: Path, *, is_first_version: bool) -> None:
        self._directory = directory
        self._is_first_version = is_first_version

    @classmethod
    def of(cls, pid: int) -> "ControlGroup":
        """Find the one of a process; raises `OSError` when it is gone, and `LabError`."""
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, place = line.split(":", 2)
            if controllers == "memory" or "memory" in controllers.split(","):
                return cls(_ROOT / "memory" / place.lstrip("/"), is_first_version=True)
            if not controllers and (_ROOT / "cgroup.controllers").exists():
                return cls(_ROOT / place.lstrip("/"), is_first_version=False)
        raise LabError(f"process {pid} has no account of its memory in {_ROOT}")

    def kept_bytes(self) -> int:
        """Tell what it cannot be relieved of: all but the cache of files."""
        if self._is_first_version:
            used, names = "memory.usage_in_bytes", ["total_cache"]
        else:
            used, names = "memory.current", ["inactive_file", "active_file"]
        figures = self._figures("memory.stat")
        return self._number(used) - sum(figures[name] for name in names)

    def refusals(self) -> int:
        """Count how often the kernel refused memory since the group was made."""
        if self._is_first_version:
            return self._number("memory.failcnt")
        return self._figures("memory.events")["max"]

    def _number(self, name: str) -> int:
        return int((self._directory / name).read_text())

    def _figures(self, name: str) -> dict[str, int]:
        lines = (line.split() for line in (self._directory / name).read_text().splitlines())
        return {word: int(number) for word, number in lines}


class LimitsContainers:
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

    def _group(self, target: str) -> ControlGroup:
        identity = self._containers()[target].identity
        if identity is None:
            raise LabError(f"{target} does not run; start it first")
        return ControlGroup.of(identity.pid)

    def _containers(self) -> Mapping[str, Container]:
        raise NotImplementedError
