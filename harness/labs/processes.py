"""The process lab: real servers on this machine, without containers. Breaks nothing by itself.

client --> lb --> toxiproxy --> primary, replica, ... (Chroma)
                      |            (with `http_proxy`: through the HTTP fault proxy)
                      +-------> postgres

In a lab that was started for it, clients reach the lb through toxiproxy, a front, or both.
"""

import platform
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.http_proxy.server import Route
from harness.labs.base import Capability, Need
from harness.labs.chroma import ChromaServer
from harness.labs.front import Front
from harness.labs.http_proxy import HttpProxyProcess
from harness.labs.lb_pair import LbPair
from harness.labs.load_balancer import LoadBalancerProcess, LoadBalancerSettings
from harness.labs.possibilities import LACKING
from harness.labs.postgres import PostgresServer
from harness.labs.preparation import PreparedServers, ProcessServer
from harness.labs.toxiproxy import ProxyRoute, ToxiproxyProcess
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace
from harness.parts.chroma import find_chroma
from harness.parts.postgres import find_postgres
from harness.parts.toxiproxy import find_toxiproxy

# Where a load balancer says that it is well while another one is active, if it has such a place.
_STANDBY_PATH = "/health"


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


class ProcessLab(PreparedServers):
    """A `Lab` that is `Killable`, `Pausable`, `Networked`, and `Particular` about all else.

    No server process outlives the process that started it.
    """

    name = "processes"

    def __init__(self, settings: ProcessLabSettings) -> None:
        super().__init__(
            settings.run_directory,
            settings.instance_count,
            settings.needs,
            has_failpoints=settings.lb_command == ProcessLabSettings.lb_command,
            lb_memory_bytes=settings.lb_memory_bytes,
        )
        self._settings = settings
        self._parts = {
            "postgres": find_postgres(),
            "chroma": find_chroma(),
            "toxiproxy": find_toxiproxy(),
        }

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What processes can do; to intercept takes the HTTP proxy."""
        lacking = LACKING if self.has_http_proxy else LACKING | {Capability.INTERCEPT}
        return frozenset(Capability) - lacking

    @property
    def versions(self) -> Mapping[str, str]:
        """The version of each real part, and how it was come by."""
        parts = {name: f"{part.version} ({part.source})" for name, part in self._parts.items()}
        return {
            "python": platform.python_version(),
            **parts,
            "lb": shlex.join(self._settings.lb_command),
        }

    async def _build(self, workspace: Workspace, warden: Warden) -> Mapping[str, ProcessServer]:
        reserve = self._ports.reserve
        chromas = {
            name: ChromaServer(name, self._parts["chroma"], reserve(), workspace, warden)
            for name in self._instance_names
        }
        postgres = PostgresServer(self._parts["postgres"], reserve(), workspace, warden)
        behind_proxies: dict[str, ChromaServer | PostgresServer] = {**chromas, "postgres": postgres}
        http_proxy = self._build_http_proxy(chromas, workspace, warden)
        intercepted = http_proxy.entrances if http_proxy else {}
        ports = {name: reserve() for name in behind_proxies}
        routes = tuple(
            _route(name, ports[name], intercepted.get(name, server.port))
            for name, server in behind_proxies.items()
        )
        self._proxied_urls = {
            name: server.url_at(ports[name]) for name, server in behind_proxies.items()
        }
        settings = LoadBalancerSettings(
            command=self._settings.lb_command,
            ready_path=self._settings.lb_ready_path,
            instance_urls=tuple(self._proxied_urls[name] for name in chromas),
            database_url=self._proxied_urls["postgres"],
            environment=self._settings.lb_environment,
        )

        def another(name: str) -> LoadBalancerProcess:
            named = replace(settings, name=name, standby_path=_STANDBY_PATH)
            second = LoadBalancerProcess(named, reserve(), workspace, warden)
            # It is a replacement in every respect: its clock is set as that of the first.
            second.process.surroundings = self._servers["lb"].process.surroundings
            return second

        lb = LoadBalancerProcess(settings, reserve(), workspace, warden)
        lb_port = lb.port
        if self._is_needed(Capability.DOUBLE_LB, "lb"):
            self._pair = LbPair(lb, Front(reserve(), lb_port), another)
            lb_port = self._pair.front.port
        if self._is_needed(Capability.CUT, "lb") or self._is_needed(Capability.DEGRADE, "lb"):
            port = reserve()
            routes += (_route("lb", port, lb_port),)
            self._proxied_urls["lb"] = f"http://127.0.0.1:{port}"
        toxiproxy = ToxiproxyProcess(self._parts["toxiproxy"], reserve(), routes, workspace, warden)
        between: dict[str, ProcessServer] = {"toxiproxy": toxiproxy}
        if http_proxy is not None:
            between["http-proxy"] = http_proxy
        return {**chromas, "postgres": postgres, **between, "lb": lb}

    def _build_http_proxy(
        self, chromas: Mapping[str, ChromaServer], workspace: Workspace, warden: Warden
    ) -> HttpProxyProcess | None:
        if not self.has_http_proxy:
            return None
        reserve = self._ports.reserve
        routes = tuple(
            Route(name, reserve(), "127.0.0.1", server.port) for name, server in chromas.items()
        )
        return HttpProxyProcess(reserve(), routes, workspace, warden)


def _route(name: str, listen_port: int, upstream_port: int) -> ProxyRoute:
    return ProxyRoute(name, f"127.0.0.1:{listen_port}", f"127.0.0.1:{upstream_port}")
