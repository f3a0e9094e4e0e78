"""The process lab: real servers on this machine, without containers. Breaks nothing by itself.

client --> lb --> toxiproxy --> primary, replica, ... (Chroma)
                      |            (with `http_proxy`: through the HTTP fault proxy)
                      +-------> postgres

In a lab that was started for it, clients reach the lb through toxiproxy, a front, or both.
"""

import asyncio
import platform
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from harness.errors import LabError, UsageError
from harness.http_proxy.server import Route
from harness.labs.base import Capability, Instance, Interceptor, Need, ServerSample, Toxic
from harness.labs.chroma import ChromaServer
from harness.labs.front import Front
from harness.labs.http_proxy import HttpProxyServer
from harness.labs.lb_pair import LbPair
from harness.labs.load_balancer import LoadBalancer, LoadBalancerSettings
from harness.labs.ports import PortReservations
from harness.labs.postgres import PostgresServer
from harness.labs.preparation import PreparedServers, Server
from harness.labs.toxiproxy import ProxyRoute, ToxiproxyServer
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace
from harness.parts.chroma import find_chroma
from harness.parts.postgres import find_postgres
from harness.parts.toxiproxy import find_toxiproxy

_START_TIMEOUT_SECONDS = 30.0
# Together they stay below the three seconds in which no server may be left.
_LB_GRACE_SECONDS = 1.5
_SERVER_GRACE_SECONDS = 1.0

# Where a load balancer says that it is well while another one is active, if it has such a place.
_STANDBY_PATH = "/health"

_S = TypeVar("_S", ChromaServer, LoadBalancer, ToxiproxyServer, HttpProxyServer)


@dataclass(frozen=True)
class ProcessLabSettings:
    """What lab to build. `lb_command` may be any load balancer that reads its environment.

    `needs` says what the lab will be asked for, so that servers are started for it,
    `lb_memory_bytes` how much the load balancer may have from its first instruction on, and
    `lb_environment` holds settings besides the addresses.
    """

    run_directory: Path
    instance_count: int = 2
    lb_command: tuple[str, ...] = (sys.executable, "-m", "lb")
    lb_ready_path: str = "/api/v2/heartbeat"
    lb_memory_bytes: int | None = None
    needs: frozenset[Need] = frozenset()
    lb_environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_http_proxy(self) -> bool:
        """Whether the HTTP fault proxy stands before the instances; it costs time."""
        return any(need.capability is Capability.INTERCEPT for need in self.needs)


class ProcessLab(PreparedServers):
    """A `Lab` that is `Killable`, `Pausable`, `Networked`, and `Particular` about all else.

    No server process outlives the process that started it.
    """

    name = "processes"

    def __init__(self, settings: ProcessLabSettings) -> None:
        if settings.instance_count < 1:
            raise UsageError("a lab has at least one instance; ask for 1 or more")
        has_failpoints = settings.lb_command == ProcessLabSettings.lb_command
        super().__init__(settings.needs, has_failpoints, settings.lb_memory_bytes)
        self.run_directory = settings.run_directory
        self.startup_seconds: Mapping[str, float] = MappingProxyType({})
        self._settings = settings
        self._parts = {
            "postgres": find_postgres(),
            "chroma": find_chroma(),
            "toxiproxy": find_toxiproxy(),
        }
        self._ports = PortReservations()
        self._proxied_urls: dict[str, str] = {}

    def __repr__(self) -> str:
        alive = [name for name in self._servers if self.is_alive(name)]
        return f"<ProcessLab {self.run_directory} alive={alive}>"

    @property
    def capabilities(self) -> frozenset[Capability]:
        """All there are; to intercept takes the HTTP proxy."""
        lacking = set() if self._settings.has_http_proxy else {Capability.INTERCEPT}
        return frozenset(Capability) - lacking

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the servers."""
        proxies = ("toxiproxy", *(("http-proxy",) if self._settings.has_http_proxy else ()))
        return (*self._instance_names(), "postgres", *proxies, "lb")

    @property
    def lb_url(self) -> str:
        """Where clients send their requests."""
        lb = self._running(LoadBalancer, "lb")
        direct = lb.url if self._pair is None else self._pair.front.url
        return self._proxied_urls.get("lb", direct)

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The Chroma servers at their direct addresses, the primary first."""
        return tuple(
            Instance(name, self._running(ChromaServer, name).url) for name in self._instance_names()
        )

    @property
    def versions(self) -> Mapping[str, str]:
        """The version of each real part, and how it was come by."""
        parts = {name: f"{part.version} ({part.source})" for name, part in self._parts.items()}
        return {
            "python": platform.python_version(),
            **parts,
            "lb": shlex.join(self._settings.lb_command),
        }

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
            self._servers = self._build(workspace, self._warden)
            await self._start_surroundings(workspace, self._warden)
            await self._start_all()
        except BaseException:
            await self.stop()
            raise
        self._note_startup("all healthy", began)

    async def stop(self) -> None:
        """Stop the lb, then the others, then remove the data; safe to call at any time."""
        await asyncio.gather(*(process.stop(_LB_GRACE_SECONDS) for process in self._companions))
        self._companions = []
        processes = [server.process for server in reversed(self._servers.values())]
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
        await self._stop_surroundings()
        if self._warden is not None:
            await asyncio.to_thread(self._warden.dismiss)
            self._warden = None
        if self._workspace is not None:
            self._workspace.remove_data()
            self._workspace = None
        self._ports.release()

    def log_path(self, target: str) -> Path:
        """Name the log file of one server; it stays after the lab."""
        self._check_target(target)
        return self.run_directory.resolve() / "logs" / f"{target}.log"

    def samples(self) -> tuple[ServerSample, ...]:
        """Measure what each living server or companion costs now, its children included."""
        servers = (server.process for server in self._servers.values())
        samples = (process.sample() for process in (*servers, *self._companions))
        return tuple(sample for sample in samples if sample is not None)

    def is_alive(self, target: str) -> bool:
        """Tell whether the server process of `target` runs."""
        self._check_target(target)
        server = self._servers.get(target)
        return server is not None and server.process.is_alive()

    async def kill(self, target: str) -> None:
        """SIGKILL the server process with its children, and return when all are gone."""
        await self._server(target).process.kill()

    async def restart(self, target: str) -> None:
        """Start a server again on its old address and data, killing it first if it lives."""
        server = self._server(target)
        await server.process.kill()
        await server.start(_START_TIMEOUT_SECONDS)

    def is_paused(self, target: str) -> bool:
        """Tell whether the server process of `target` is stopped, but not ended."""
        return self._server(target).process.is_paused()

    async def pause(self, target: str) -> None:
        """SIGSTOP the server process."""
        self._server(target).process.pause()

    async def resume(self, target: str) -> None:
        """SIGCONT the server process."""
        self._server(target).process.resume()

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

    def urls(self) -> Mapping[str, str]:
        """Where each server itself listens, past every proxy."""
        return {name: server.url for name, server in self._servers.items()}

    def proxied_urls(self) -> Mapping[str, str]:
        """Where Toxiproxy listens for each server that has a proxy; the lb knows only these."""
        return dict(self._proxied_urls)

    def _instance_names(self) -> tuple[str, ...]:
        others = (f"replica-{number}" for number in range(2, self._settings.instance_count))
        return ("primary", "replica", *others)[: self._settings.instance_count]

    def _build(self, workspace: Workspace, warden: Warden) -> dict[str, Server]:
        reserve = self._ports.reserve
        chromas = {
            name: ChromaServer(name, self._parts["chroma"], reserve(), workspace, warden)
            for name in self._instance_names()
        }
        postgres = PostgresServer(self._parts["postgres"], reserve(), workspace, warden)
        behind_proxies: dict[str, ChromaServer | PostgresServer] = {**chromas, "postgres": postgres}
        http_proxy = self._build_http_proxy(chromas, workspace, warden)
        intercepted = http_proxy.entrances if http_proxy else {}
        routes = tuple(
            ProxyRoute(name, reserve(), intercepted.get(name, server.port))
            for name, server in behind_proxies.items()
        )
        self._proxied_urls = {
            route.name: behind_proxies[route.name].url_at(route.listen_port) for route in routes
        }
        settings = LoadBalancerSettings(
            command=self._settings.lb_command,
            ready_path=self._settings.lb_ready_path,
            instance_urls=tuple(self._proxied_urls[name] for name in chromas),
            database_url=self._proxied_urls["postgres"],
            environment=self._settings.lb_environment,
        )

        def another(name: str) -> LoadBalancer:
            second = replace(settings, name=name, standby_path=_STANDBY_PATH)
            return LoadBalancer(second, reserve(), workspace, warden)

        lb = LoadBalancer(settings, reserve(), workspace, warden)
        lb_port = lb.port
        if self._is_needed(Capability.DOUBLE_LB, "lb"):
            self._pair = LbPair(lb, Front(reserve(), lb_port), another)
            lb_port = self._pair.front.port
        if self._is_needed(Capability.CUT, "lb") or self._is_needed(Capability.DEGRADE, "lb"):
            routes += (ProxyRoute("lb", reserve(), lb_port),)
            self._proxied_urls["lb"] = f"http://127.0.0.1:{routes[-1].listen_port}"
        toxiproxy = ToxiproxyServer(self._parts["toxiproxy"], reserve(), routes, workspace, warden)
        between: dict[str, Server] = {"toxiproxy": toxiproxy}
        if http_proxy is not None:
            between["http-proxy"] = http_proxy
        return {**chromas, "postgres": postgres, **between, "lb": lb}

    def _build_http_proxy(
        self, chromas: Mapping[str, ChromaServer], workspace: Workspace, warden: Warden
    ) -> HttpProxyServer | None:
        if not self._settings.has_http_proxy:
            return None
        reserve = self._ports.reserve
        routes = tuple(Route(name, reserve(), server.port) for name, server in chromas.items())
        return HttpProxyServer(reserve(), routes, workspace, warden)

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

    def _note_startup(self, name: str, began: float) -> None:
        seconds = {**self.startup_seconds, name: time.monotonic() - began}
        self.startup_seconds = MappingProxyType(seconds)

    def _check_target(self, target: str) -> None:
        if target not in self.targets:
            raise UsageError(f"no server {target!r} in this lab; it has {', '.join(self.targets)}")

    def _server(self, target: str) -> Server:
        self._check_target(target)
        if target not in self._servers:
            raise LabError("the lab is not running; start it first")
        return self._servers[target]

    def _running(self, kind: type[_S], target: str) -> _S:
        server = self._server(target)
        if not isinstance(server, kind):
            raise LabError(f"{target} is no {kind.__name__}")
        return server
