"""What a process lab's servers are started with, so that they can be broken in special ways.

Only those that somebody will ask for: a disk or a clock of its own costs time, and changes what a
server is; and clients that go through a proxy cannot see that a connection was refused.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness.errors import LabError
from harness.labs.base import Capability, Need
from harness.labs.chroma import ChromaServer
from harness.labs.clocks import ClockFile, ShiftsClocks
from harness.labs.cpu import CpuLimit, LimitsCpu
from harness.labs.disks import HasDisks, OwnDisk
from harness.labs.http_proxy import HttpProxyProcess
from harness.labs.load_balancer import LoadBalancerProcess
from harness.labs.memory import LimitsMemory, MemoryLimit
from harness.labs.own_servers import OwnServers
from harness.labs.possibilities import is_prepared, why_not, why_not_here
from harness.labs.postgres import PostgresServer
from harness.labs.toxiproxy import ToxiproxyProcess
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace
from harness.parts.faketime import find_faketime

ProcessServer = (
    ChromaServer | PostgresServer | ToxiproxyProcess | HttpProxyProcess | LoadBalancerProcess
)


class PreparedServers(OwnServers, HasDisks, ShiftsClocks, LimitsMemory, LimitsCpu):
    """Gives a process lab all abilities that take more than a signal or a proxy."""

    _servers: Mapping[str, ProcessServer]

    def __init__(
        self,
        run_directory: Path,
        instance_count: int,
        needs: frozenset[Need],
        has_failpoints: bool,
        lb_memory_bytes: int | None = None,
    ) -> None:
        super().__init__(run_directory, instance_count, needs)
        self._lb_memory_bytes = lb_memory_bytes
        self._has_failpoints = has_failpoints
        self._disks: dict[str, OwnDisk] = {}
        self._clocks: dict[str, ClockFile] = {}

    def why_not(self, need: Need) -> str:
        """Say why it cannot be done to that server, here and now; nothing when it can."""
        reason = why_not(need, self._needs, self._instance_names, self._has_failpoints)
        if not reason and need.capability is Capability.FORCE_HEALTH:
            reason = self._no_forcing.get(need.target, "")
        return reason

    def _is_needed(self, capability: Capability, target: str) -> bool:
        """Tell whether to start servers for it; where it cannot be done, that is said later."""
        need = Need(capability, target)
        return is_prepared(need, self._needs) and not why_not_here(capability)

    async def _start_surroundings(self, workspace: Workspace, warden: Warden) -> None:
        for name, server in self._servers.items():
            if isinstance(server, ChromaServer) and self._is_needed(Capability.FILL_DISK, name):
                self._disks[name] = OwnDisk(name, server.data, workspace, warden)
                await self._disks[name].start()
                server.process.surroundings = self._disks[name].surroundings()
            if self._is_needed(Capability.SHIFT_CLOCK, name):
                clock = ClockFile(workspace.data_directory / f"clock-{name}", find_faketime().path)
                clock.shift(0)
                server.process.surroundings = clock.surroundings(server.process.surroundings)
                self._clocks[name] = clock
        if self._lb_memory_bytes is not None:
            limit = MemoryLimit(f"chroma-chaos-{workspace.run_id}-lb-whole", warden)
            limit.set((), self._lb_memory_bytes)
            process = self._servers["lb"].process
            prefix = (*limit.prefix, *process.surroundings.prefix)
            process.surroundings = replace(process.surroundings, prefix=prefix)

    async def _stop_surroundings(self) -> None:
        for disk in self._disks.values():
            await disk.stop()
        self._disks, self._clocks = {}, {}

    def _limit(self, target: str) -> MemoryLimit:
        return MemoryLimit(*self._group_of(target))

    def _cpu_limit(self, target: str) -> CpuLimit:
        return CpuLimit(*self._group_of(target))

    def _group_of(self, target: str) -> tuple[str, Warden]:
        if self._workspace is None or self._warden is None:
            raise LabError("the lab is not running; start it first")
        return f"chroma-chaos-{self._workspace.run_id}-{target}", self._warden
