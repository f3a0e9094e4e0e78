"""What labs share that start their servers themselves, be those processes or containers.

The lab says what its servers are; how they are started, broken, measured and stopped is said here.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from harness.errors import LabError, UsageError
from harness.labs.administration import Administration
from harness.labs.base import Capability, Instance, Interceptor, Need, ServerSample, Toxic
from harness.labs.http_proxy import HttpProxyServer
from harness.labs.lb_pair import DoublesLb
from harness.labs.load_balancer import LoadBalancer
from harness.labs.ports import PortReservations
from harness.labs.runnable import Runnable, Server
from harness.labs.server_process import ServerCommand, ServerProcess
from harness.labs.stopping import StopsServers
from harness.labs.toxiproxy import ToxiproxyServer
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace

_START_TIMEOUT_SECONDS = 30.0
# Together they stay below the three seconds in which no server may be left.
_LB_GRACE_SECONDS = 1.5
_SERVER_GRACE_SECONDS = 1.0

_S = TypeVar("_S", LoadBalancer, ToxiproxyServer, HttpProxyServer)


class OwnServers(StopsServers, DoublesLb):
    """A `Lab` that is `Killable`, `Pausable`, `Networked`, `Stoppable` and `DoubleLb`.

    No server outlives the process that started it.
    """

    def __init__(self, run_directory: Path, instance_count: int, needs: frozenset[Need]) -> None:
        if instance_count < 1:
            raise UsageError("a lab has at least one instance; ask for 1 or more")
        self.run_directory = run_directory
        self.startup_seconds: Mapping[str, float] = MappingProxyType({})
        self._needs = needs
        others = (f"replica-{number}" for number in range(2, instance_count))
        self._instance_names = ("primary", "replica", *others)[:instance_count]
        self._servers: Mapping[str, Server] = {}
        self._companions: list[ServerProcess] = []
        self._workspace: Workspace | None = None
        self._warden: Warden | None = None
        self._ports = PortReservations()
        self._proxied_urls: dict[str, str] = {}
        self._no_forcing: dict[str, str] = {}

    def __repr__(self) -> str:
        alive = [name for name in self._servers if self.is_alive(name)]
        return f"<{type(self).__name__} {self.run_directory} alive={alive}>"

    @property
    def has_http_proxy(self) -> bool:
        """Whether the HTTP fault proxy stands before the instances; it costs time."""
        return any(need.capability is Capability.INTERCEPT for need in self._needs)

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the servers."""
        proxies = ("toxiproxy", *(("http-proxy",) if self.has_http_proxy else ()))
        return (*self._instance_names, "postgres", *proxies, "lb")

    @property
    def lb_url(self) -> str:
        """Where clients send their requests."""
        lb = self._running(LoadBalancer, "lb")
        direct = lb.url if self._pair is None else self._pair.front.url
        return self.proxied_urls().get("lb", direct)

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The Chroma servers at their direct addresses, the primary first."""
        return tuple(Instance(name, self._server(name).url) for name in self._instance_names)

    async def start(self) -> None:
        """Start every server at once, the lb when all others answer; raises `LabError`."""
        if self._servers:
            return
        began = time.monotonic()
        try:
            workspace = Workspace.create(self.run_directory)
            self._workspace = workspace
            self._warden = Warden(workspace)
            self._warden.remove(workspace.data_directory)
            self._servers = await self._build(workspace, self._warden)
            await self._start_surroundings(workspace, self._warden)
            if self._pair is not None:
                await self._pair.front.start()
            await self._start_all()
        except BaseException:
            await self.stop()
            raise
        self._note_startup("all healthy", began)

    async def stop(self) -> None:
        """Stop the lb, then the others, then remove the data; safe to call at any time."""
        await asyncio.gather(*(process.stop(_LB_GRACE_SECONDS) for process in self._companions))
        self._companions = []
        processes = [server.process for server in reversed(list(self._servers.values()))]
        second = self._pair.second if self._pair is not None else None
        lbs = [*processes[:1], *([second.process] if second is not None else [])]
        # The lb, which was started last, may still want to say something to the others.
        for group, grace_seconds in (
            (lbs, _LB_GRACE_SECONDS),
            (processes[1:], _SERVER_GRACE_SECONDS),
        ):
            stops = (process.stop(grace_seconds) for process in group)
            await asyncio.gather(*stops, return_exceptions=True)
        self._servers = {}
        if self._pair is not None:
            await self._pair.front.stop()
        self._pair = None
        await self._stop_surroundings()
        if self._warden is not None:
            await asyncio.to_thread(self._warden.dismiss)
            self._warden = None
        if self._workspace is not None:
            self._workspace.remove_data()
            self._workspace = None
        self._ports.release()

    def log_path(self, target: str) -> Path:
        """Name the log file of one server; it stays after the lab.

        A load balancer that has taken over from another writes one of its own.
        """
        self._check_target(target)
        if target in self._servers:
            return self._servers[target].process.log_path
        return self.run_directory.resolve() / "logs" / f"{target}.log"

    def samples(self) -> tuple[ServerSample, ...]:
        """Measure what each living server or companion costs now, its children included."""
        servers = (server.process for server in self._servers.values())
        samples = (process.sample() for process in (*servers, *self._companions))
        return tuple(sample for sample in samples if sample is not None)

    def is_alive(self, target: str) -> bool:
        """Tell whether the server of `target` runs."""
        self._check_target(target)
        server = self._servers.get(target)
        return server is not None and server.process.is_alive()

    async def kill(self, target: str) -> None:
        """SIGKILL the server with its children, and return when all are gone."""
        await self._process(target).kill()

    async def restart(self, target: str) -> None:
        """Start a server again on its old address and data, killing it first if it lives."""
        server = self._server(target)
        await server.process.kill()
        await server.start(_START_TIMEOUT_SECONDS)

    def is_paused(self, target: str) -> bool:
        """Tell whether the server of `target` is stopped where it is, but not ended."""
        return self._process(target).is_paused()

    async def pause(self, target: str) -> None:
        """Stop the server where it is."""
        await self._process(target).pause()

    async def resume(self, target: str) -> None:
        """Let the server go on."""
        await self._process(target).resume()

    async def cut(self, target: str) -> None:
        """Disable the proxy before the server."""
        await self._running(ToxiproxyServer, "toxiproxy").cut(target)

    async def mend(self, target: str) -> None:
        """Enable the proxy before the server, without toxics."""
        await self._running(ToxiproxyServer, "toxiproxy").mend(target, _START_TIMEOUT_SECONDS)

    async def degrade(self, target: str, toxics: Sequence[Toxic]) -> None:
        """Put toxics on the proxy before the server."""
        await self._running(ToxiproxyServer, "toxiproxy").degrade(target, toxics)

    def interceptor(self) -> Interceptor:
        """Give the HTTP proxy before the instances."""
        return self._running(HttpProxyServer, "http-proxy")

    def administration(self) -> Administration:
        """Give what tells the load balancer; a process takes no token from this machine."""
        return Administration(self._server("lb").url, {})

    def processes(self) -> Mapping[str, Runnable]:
        """Give what each server runs in by name, for whoever describes the lab to a person."""
        return {name: server.process for name, server in self._servers.items()}

    def urls(self) -> Mapping[str, str]:
        """Where each server itself listens, past every proxy."""
        return {name: server.url for name, server in self._servers.items()}

    def proxied_urls(self) -> Mapping[str, str]:
        """Where Toxiproxy listens for each server that has a proxy; the lb knows only these."""
        return dict(self._proxied_urls)

    def companion(self, command: ServerCommand) -> ServerProcess:
        """Give a process that is no server of the lab, but ends with it whatever happens."""
        if self._workspace is None or self._warden is None:
            raise LabError("the lab is not running; start it first")
        self._companions.append(ServerProcess(command, self._workspace, self._warden))
        return self._companions[-1]

    def _is_needed(self, capability: Capability, target: str) -> bool:
        """Tell whether to start servers for it; where it cannot be done, that is said later."""
        raise NotImplementedError

    async def _build(self, workspace: Workspace, warden: Warden) -> Mapping[str, Server]:
        """Make all servers, the lb last; none is started."""
        raise NotImplementedError

    async def _start_surroundings(self, workspace: Workspace, warden: Warden) -> None:
        """Do what must be done before the first server is started."""

    async def _stop_surroundings(self) -> None:
        """Undo what was done around the servers, none of which runs any more."""

    async def _start_all(self) -> None:
        lb = self._running(LoadBalancer, "lb")
        try:
            async with asyncio.TaskGroup() as starts:
                for name, server in self._servers.items():
                    if server is not lb:
                        starts.create_task(self._start_one(name), name=f"start {name}")
        except ExceptionGroup as group:
            # One server that fails ends the start; the others were merely cancelled.
            raise group.exceptions[0] from None
        await self._start_one("lb")
        await lb.wait_until_all_healthy(_START_TIMEOUT_SECONDS)
        await self._ask_about_forcing()

    async def _start_one(self, name: str) -> None:
        began = time.monotonic()
        await self._server(name).start(_START_TIMEOUT_SECONDS)
        self._note_startup(name, began)

    async def _ask_about_forcing(self) -> None:
        """Find out, where it is needed, whether the load balancer has the endpoint."""
        for name in self._instance_names:
            if self._is_needed(Capability.FORCE_HEALTH, name):
                self._no_forcing[name] = await self.administration().why_not(name)

    def _note_startup(self, name: str, began: float) -> None:
        seconds = {**self.startup_seconds, name: time.monotonic() - began}
        self.startup_seconds = MappingProxyType(seconds)

    def _note_first(self, lb: LoadBalancer) -> None:
        self._servers = {**self._servers, "lb": lb}

    def _check_target(self, target: str) -> None:
        if target not in self.targets:
            raise UsageError(f"no server {target!r} in this lab; it has {', '.join(self.targets)}")

    def _server(self, target: str) -> Server:
        self._check_target(target)
        if target not in self._servers:
            raise LabError("the lab is not running; start it first")
        return self._servers[target]

    def _process(self, target: str) -> Runnable:
        return self._server(target).process

    def _running(self, kind: type[_S], target: str) -> _S:
        server = self._server(target)
        if not isinstance(server, kind):
            raise LabError(f"{target} is no {kind.__name__}")
        return server
