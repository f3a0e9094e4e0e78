"""What a process lab's servers are started with, so that they can be broken in special ways.

Only those that somebody will ask for: a disk or a clock of its own costs time, and changes what a
server is; and clients that go through a proxy cannot see that a connection was refused.
"""

from collections.abc import Mapping
from dataclasses import replace

from harness.errors import LabError
from harness.labs.administration import Administration
from harness.labs.base import Capability, Need
from harness.labs.chroma import ChromaServer
from harness.labs.clocks import ClockFile, ShiftsClocks
from harness.labs.disks import HasDisks, OwnDisk
from harness.labs.http_proxy import HttpProxyServer
from harness.labs.lb_pair import DoublesLb
from harness.labs.load_balancer import LoadBalancer
from harness.labs.memory import LimitsMemory, MemoryLimit
from harness.labs.possibilities import is_prepared, why_not, why_not_here
from harness.labs.postgres import PostgresServer
from harness.labs.server_process import ServerCommand, ServerProcess
from harness.labs.stopping import StopsServers
from harness.labs.toxiproxy import ToxiproxyServer
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace
from harness.parts.faketime import find_faketime

Server = ChromaServer | PostgresServer | ToxiproxyServer | HttpProxyServer | LoadBalancer


class PreparedServers(StopsServers, DoublesLb, HasDisks, ShiftsClocks, LimitsMemory):
    """Gives a process lab all abilities that take more than a signal or a proxy."""

    def __init__(
        self, needs: frozenset[Need], has_failpoints: bool, lb_memory_bytes: int | None = None
    ) -> None:
        self._needs = needs
        self._lb_memory_bytes = lb_memory_bytes
        self._companions: list[ServerProcess] = []
        self._has_failpoints = has_failpoints
        self._servers: dict[str, Server] = {}
        self._workspace: Workspace | None = None
        self._warden: Warden | None = None
        self._disks: dict[str, OwnDisk] = {}
        self._clocks: dict[str, ClockFile] = {}
        self._no_forcing: dict[str, str] = {}

    def administration(self) -> Administration:
        """Give what forces an instance's health; in our own lab it takes no token."""
        return Administration(self._server("lb").url, {})

    def why_not(self, need: Need) -> str:
        """Say why it cannot be done to that server, here and now; nothing when it can."""
        reason = why_not(need, self._needs, self._instance_names(), self._has_failpoints)
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
        if self._pair is not None:
            await self._pair.front.start()

    async def _ask_about_forcing(self) -> None:
        """Find out, where it is needed, whether the load balancer has the endpoint."""
        for name in self._instance_names():
            if self._is_needed(Capability.FORCE_HEALTH, name):
                self._no_forcing[name] = await self.administration().why_not(name)

    async def _stop_surroundings(self) -> None:
        if self._pair is not None:
            await self._pair.front.stop()
        for disk in self._disks.values():
            await disk.stop()
        self._pair, self._disks, self._clocks = None, {}, {}

    def companion(self, command: ServerCommand) -> ServerProcess:
        """Give a process that is no server of the lab, but ends with it whatever happens."""
        if self._workspace is None or self._warden is None:
            raise LabError("the lab is not running; start it first")
        self._companions.append(ServerProcess(command, self._workspace, self._warden))
        return self._companions[-1]

    def processes(self) -> Mapping[str, ServerProcess]:
        """Give the server processes by name, for whoever describes the lab to a person."""
        return {name: server.process for name, server in self._servers.items()}

    def _note_first(self, lb: LoadBalancer) -> None:
        self._servers["lb"] = lb

    def _process(self, target: str) -> ServerProcess:
        return self._server(target).process

    def _limit(self, target: str) -> MemoryLimit:
        if self._workspace is None or self._warden is None:
            raise LabError("the lab is not running; start it first")
        return MemoryLimit(f"chroma-chaos-{self._workspace.run_id}-{target}", self._warden)

    def _server(self, target: str) -> Server:
        raise NotImplementedError

    def _instance_names(self) -> tuple[str, ...]:
        raise NotImplementedError
