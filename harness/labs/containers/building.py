"""Making the servers of a compose lab of what compose.yaml says: plans, networks, addresses.

Nothing is started here. What is made in the engine are networks and volumes.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

import harness
from harness.errors import LabError
from harness.http_proxy.server import Route
from harness.labs.containers.compose_file import ComposeFile, Service
from harness.labs.containers.container import Container
from harness.labs.containers.engine import Engine
from harness.labs.containers.links import link_of
from harness.labs.containers.plan import ContainerPlan, Mount
from harness.labs.containers.project import Project
from harness.labs.containers.servers import (
    ContainerServer,
    ToxiproxyContainer,
    chroma_in,
    postgres_in,
)
from harness.labs.http_proxy import HttpProxyServer
from harness.labs.load_balancer import LoadBalancer
from harness.labs.stopping import FAILPOINT_SETTINGS
from harness.labs.toxiproxy import ProxyRoute
from harness.labs.workspace import Workspace

OUTSIDE = "outside"
HTTP_PROXY = "http-proxy"
_CHROMA_PORT, _POSTGRES_PORT, _LB_PORT, _CONTROL_PORT = 8000, 5432, 8000, 8474
_TRIES = 5
_HARNESS, _PLACE_OF_HARNESS = Path(harness.__file__).parent, "/opt/harness"


class _Proxy(msgspec.Struct, frozen=True):
    """One entry of Toxiproxy's own configuration."""

    name: str
    listen: str
    upstream: str

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])


class Builder:
    """Makes the containers of one run; `services` are those of the file that it consists of."""

    def __init__(
        self,
        engine: Engine,
        file: ComposeFile,
        services: tuple[str, ...],
        workspace: Workspace,
        reserve: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._file = file
        self._services = services
        self._workspace = workspace
        self._reserve = reserve
        self._project = Project.of_this_process(workspace.run_id)
        used = [network for name in services for network in file.service(name).networks]
        # A network with one member leads nowhere.
        self._networks = {name for name in used if used.count(name) > 1}
        self._addresses: dict[str, dict[str, str]] = {}
        configuration = file.configs[next(iter(file.service("toxiproxy").configs))]
        proxies = msgspec.json.decode(configuration, type=list[_Proxy])
        self._proxies = {each.name: each for each in proxies if each.name in services}

    def make_surroundings(self, at_fixed_addresses: Collection[str] = ()) -> None:
        """Make the networks and the volumes; some servers keep their address on their link."""
        project = self._project
        for name in sorted(self._networks):
            self._make_network(name)
        for server in at_fixed_addresses:
            self._addresses[server] = self._fixed_address(link_of(server))
        for service in self._services:
            for volume in self._file.service(service).volumes:
                self._engine.make_volume(project.name(volume), project.labels)

    def _make_network(self, name: str, subnet: str | None = None) -> None:
        made, internal = self._project.name(name), self._file.networks[name]
        self._engine.make_network(made, self._project.labels, internal=internal, subnet=subnet)

    def _fixed_address(self, name: str) -> dict[str, str]:
        """Choose an address in a network, from the far end: others get the first that is free.

        The engine takes wishes only where it was told the subnet, so the network is made anew.
        """
        made = self._project.name(name)
        for _ in range(_TRIES):
            subnet = self._engine.subnet(made)
            self._engine.remove_network(made)
            try:
                self._make_network(name, subnet)
            except LabError:
                # Another lab has taken the subnet meanwhile.
                self._make_network(name)
            else:
                return {made: str(ip_network(subnet)[-2])}
        raise LabError(f"network {made} cannot have a subnet of its own: others take it each time")

    @property
    def gateway(self) -> str:
        """The address of this machine that containers reach."""
        return self._engine.gateway(self._project.name(OUTSIDE))

    def instance(self, name: str, data: Path | None = None) -> ContainerServer:
        """Make a Chroma server, with its data in a directory of this machine where one is given."""
        changes: dict[str, Any] = {}
        if data is not None:
            (place,) = self._file.service(name).volumes.values()
            changes = {"volumes": {}, "mounts": (Mount(data, place),)}
        container = self._container(name, **changes)
        return chroma_in(container, container.plan.ports[_CHROMA_PORT])

    def postgres(self) -> ContainerServer:
        """Make the database, at an address with the load balancer's own user."""
        container = self._container("postgres")
        port = container.plan.ports[_POSTGRES_PORT]
        return postgres_in(container, port, address_at(self._database_url, "127.0.0.1", port))

    def load_balancer(
        self, name: str, environment: Mapping[str, str], memory_bytes: int | None, paths: list[str]
    ) -> LoadBalancer:
        """Make a load balancer that is ready when one of the paths answers."""
        service = self._file.service("lb")
        # Failpoints are set by faults, or not at all.
        own = {
            key: value
            for key, value in service.environment.items()
            if key not in FAILPOINT_SETTINGS
        }
        container = self._container(
            "lb",
            server=name,
            environment={**own, **environment},
            memory_bytes=memory_bytes or service.memory_bytes,
        )
        count = len(self._proxies) - 1  # All but PostgreSQL.
        return LoadBalancer(container, container.plan.ports[_LB_PORT], paths, count)

    def toxiproxy(self, routes: tuple[ProxyRoute, ...]) -> ToxiproxyContainer:
        """Make Toxiproxy, with these ways besides those of its own configuration."""
        container = self._container("toxiproxy")
        api_port = next(iter(container.plan.ports.values()))
        return ToxiproxyContainer(container, api_port, routes, self._project.name(OUTSIDE))

    def http_proxy(self, image: str) -> HttpProxyServer:
        """Make the HTTP fault proxy: our own program, in a container that has Python."""
        routes = tuple(
            Route(name, proxy.port, *_host_and_port(proxy.upstream))
            for name, proxy in self._proxies.items()
            if name != "postgres"
        )
        links = [
            network
            for route in routes
            for network in self._file.service(route.target).networks
            if network in self._networks
        ]
        words = (str(_CONTROL_PORT), *(str(route) for route in routes))
        service = Service(
            HTTP_PROXY,
            image,
            command=("python", "-m", "harness.http_proxy", "0.0.0.0", *words),  # noqa: S104
            environment={"PYTHONPATH": _PLACE_OF_HARNESS, "PYTHONDONTWRITEBYTECODE": "1"},
            networks=dict.fromkeys(links, (f"{HTTP_PROXY}.internal",)),
            ports=(_CONTROL_PORT,),
            # The sources may be closed to others.
            user="0:0",
        )
        sources = Mount(_HARNESS, f"{_PLACE_OF_HARNESS}/harness", is_read_only=True)
        container = self._made_of(service, HTTP_PROXY, mounts=(sources,))
        return HttpProxyServer(container, container.plan.ports[_CONTROL_PORT], routes)

    def ways_through_http_proxy(self) -> tuple[ProxyRoute, ...]:
        """Give the ways of Toxiproxy that lead to it instead of to the instances."""
        return tuple(
            ProxyRoute(name, proxy.listen, f"{HTTP_PROXY}.internal:{proxy.port}")
            for name, proxy in self._proxies.items()
            if name != "postgres"
        )

    def way_to_lb(self, upstream: str | None) -> ProxyRoute:
        """Give a way of Toxiproxy to the load balancer, or to what stands before it."""
        return ProxyRoute("lb", f"0.0.0.0:{_LB_PORT}", upstream or f"lb:{_LB_PORT}")

    def urls_of_ways(self, ways: tuple[ProxyRoute, ...]) -> dict[str, str]:
        """Give the addresses of servers behind Toxiproxy, its host still to be put in."""
        ports = {name: proxy.port for name, proxy in self._proxies.items()}
        ports |= {way.name: _host_and_port(way.listen)[1] for way in ways}
        return {
            name: address_at(
                self._database_url if name == "postgres" else "http://host", "host", port
            )
            for name, port in ports.items()
        }

    @property
    def _database_url(self) -> str:
        return self._file.service("lb").environment["DATABASE_URL"]

    def _container(self, service: str, *, server: str | None = None, **changes: Any) -> Container:
        return self._made_of(self._file.service(service), server or service, **changes)

    def _made_of(self, service: Service, server: str, **changes: Any) -> Container:
        networks = {
            network: aliases
            for network, aliases in service.networks.items()
            if network in self._networks
        }
        plan = ContainerPlan.of(service, server, self._project.name, self._file.configs, networks)
        plan = replace(
            plan,
            labels=self._project.labels,
            addresses=self._addresses.get(server, {}),
            ports={inside: self._reserve() for inside in service.ports},
            **changes,
        )
        return Container(self._engine, plan, self._workspace.log_path(server))


def address_at(url: str, host: str, port: int | None = None) -> str:
    """Give the URL with another host, and maybe another port."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}{at}{host}:{port or parts.port}").geturl()


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)
