"""The compose lab: the containers of compose.yaml, made by the Docker Engine's API.

client --> lb --> toxiproxy --> primary, replica (Chroma)
                      |            (where needed: through the HTTP fault proxy)
                      +-------> postgres

Each server is reached directly at a published port of 127.0.0.1. What is under way between
containers is on networks of the run's own; Toxiproxy stands where the networks meet.
"""

import asyncio
import contextlib
import platform
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.errors import LabError, UsageError
from harness.labs.administration import Administration, bearer
from harness.labs.base import Capability, Need
from harness.labs.containers.building import HTTP_PROXY, Builder, address_at
from harness.labs.containers.container import Container
from harness.labs.containers.cpu import LimitsCpuOfContainers
from harness.labs.containers.engine import Engine
from harness.labs.containers.images import BESIDES, fetch_missing, find_compose_file
from harness.labs.containers.links import HasLinks
from harness.labs.containers.memory import LimitsMemoryOfContainers
from harness.labs.containers.possibilities import LACKING, why_not_in_containers
from harness.labs.containers.project import leftovers, remove
from harness.labs.containers.servers import ToxiproxyContainer
from harness.labs.containers.threads import to_the_end
from harness.labs.disks import Disk, HasDisks
from harness.labs.front import Front
from harness.labs.lb_pair import LbPair
from harness.labs.load_balancer import LoadBalancer
from harness.labs.own_servers import OwnServers
from harness.labs.possibilities import is_prepared, why_not
from harness.labs.runnable import Server
from harness.labs.toxiproxy import ProxyRoute
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace

_LEAST_INSTANCES, _MOST_INSTANCES = 2, 3
_STANDBY_PATH = "/health"


@dataclass(frozen=True)
class ComposeLabSettings:
    """What lab to build, of compose.yaml with the variables of the environment.

    `instance_count` is 2, or 3. `lb_image` is any load balancer that reads its environment. The
    others are as those of a process lab; without `lb_memory_bytes` it may have what compose.yaml
    grants it.
    """

    run_directory: Path
    instance_count: int = _LEAST_INSTANCES
    lb_image: str | None = None
    lb_ready_path: str = "/api/v2/heartbeat"
    lb_memory_bytes: int | None = None
    needs: frozenset[Need] = frozenset()
    lb_environment: Mapping[str, str] = field(default_factory=dict)


class ComposeLab(OwnServers, HasDisks, HasLinks, LimitsMemoryOfContainers, LimitsCpuOfContainers):
    """A `Lab` with the abilities of a process lab but those that a container cannot have.

    What is made in the engine bears the run's id, and is gone when the lab has stopped.
    """

    name = "compose"

    def __init__(self, settings: ComposeLabSettings) -> None:
        if not _LEAST_INSTANCES <= settings.instance_count <= _MOST_INSTANCES:
            raise UsageError(
                f"a lab of containers has {_LEAST_INSTANCES} or {_MOST_INSTANCES} instances, as "
                f"compose.yaml has; not {settings.instance_count}"
            )
        super().__init__(settings.run_directory, settings.instance_count, settings.needs)
        self._settings = settings
        self._services = (*self._instance_names, *BESIDES)
        self._engine = Engine()
        file = find_compose_file(
            lambda image: bool(self._engine.image_id(image)),
            has_third_instance=settings.instance_count == _MOST_INSTANCES,
        )
        self._own_image = file.service("lb").image
        if settings.lb_image is not None:
            # Another one may do what ours need not; the limit of memory is for all.
            lb = replace(
                file.service("lb"),
                image=settings.lb_image,
                is_read_only=False,
                cap_drop=(),
                security_opt=(),
            )
            file = replace(file, services={**file.services, "lb": lb})
        self._file = file
        self._refused_before: dict[str, int] = {}
        self._disks: dict[str, Disk] = {}
        self._admin_token = secrets.token_hex(16)
        # It connects again when it is needed.
        self._engine.close()

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What containers can do; to intercept takes the HTTP proxy."""
        lacking = LACKING if self.has_http_proxy else LACKING | {Capability.INTERCEPT}
        return frozenset(Capability) - lacking

    @property
    def versions(self) -> Mapping[str, str]:
        """The engine, and each server's image by its name and id."""
        images = {
            name: (image, self._engine.image_id(image)) for name, image in self._images().items()
        }
        return {
            "python": platform.python_version(),
            "docker": self._engine.version,
            **{name: f"{image} ({image_id})" for name, (image, image_id) in images.items()},
        }

    def why_not(self, need: Need) -> str:
        """Say why it cannot be done to that server; nothing when it can."""
        reason = why_not(
            need,
            self._needs,
            self._instance_names,
            has_failpoints=self._settings.lb_image is None,
            why_not_of_kind=why_not_in_containers,
        )
        if not reason and need.capability is Capability.FORCE_HEALTH:
            reason = self._no_forcing.get(need.target, "")
        return reason

    def administration(self) -> Administration:
        """Give what tells the load balancer, with the token that the lab has made up."""
        return Administration(self._server("lb").url, bearer(self._admin_token))

    def proxied_urls(self) -> Mapping[str, str]:
        """Where Toxiproxy listens for each server; the lb knows it by name, this machine not."""
        toxiproxy = self._server("toxiproxy")
        address = toxiproxy.address if isinstance(toxiproxy, ToxiproxyContainer) else ""
        return {name: address_at(url, address) for name, url in self._proxied_urls.items()}

    def _images(self) -> dict[str, str]:
        images = {name: self._file.service(name).image for name in self._services}
        return images | ({HTTP_PROXY: self._own_image} if self.has_http_proxy else {})

    def _is_needed(self, capability: Capability, target: str) -> bool:
        need = Need(capability, target)
        return is_prepared(need, self._needs) and not why_not_in_containers(capability)

    def _containers(self) -> Mapping[str, Container]:
        found = {name: server.process for name, server in self._servers.items()}
        return {name: each for name, each in found.items() if isinstance(each, Container)}

    async def _build(self, workspace: Workspace, warden: Warden) -> Mapping[str, Server]:
        warden.remove_containers(workspace.run_id)
        for name in self._instance_names:
            if self._is_needed(Capability.FILL_DISK, name):
                directory = workspace.data_directory / name
                self._disks[name] = Disk(name, directory, workspace, warden)
        await asyncio.to_thread(fetch_missing, self._engine, self._images().values())
        return await to_the_end(self._build_all, workspace)

    async def _start_surroundings(self, workspace: Workspace, warden: Warden) -> None:
        for disk in self._disks.values():
            await disk.start()

    async def _stop_surroundings(self) -> None:
        for disk in self._disks.values():
            # One that was never mounted, because the start failed before.
            with contextlib.suppress(LabError):
                await disk.stop()
        self._disks = {}
        self._engine.close()

    def _build_all(self, workspace: Workspace) -> Mapping[str, Server]:
        for found in leftovers(self._engine):
            # Another lab that starts now may be removing them, too.
            with contextlib.suppress(LabError):
                remove(self._engine, found)
        reserve = self._ports.reserve
        builder = Builder(self._engine, self._file, self._services, workspace, reserve)
        behind_links = (*self._instance_names, "postgres")
        builder.make_surroundings(
            [name for name in behind_links if self._is_needed(Capability.DISCONNECT, name)]
        )
        lb = self._load_balancer(builder, "lb", self._settings.lb_ready_path)
        ways = self._ways(builder, lb)
        self._proxied_urls = builder.urls_of_ways(ways)
        servers: dict[str, Server] = {
            **{name: builder.instance(name, self._place_of(name)) for name in self._instance_names},
            "postgres": builder.postgres(),
            "toxiproxy": builder.toxiproxy(ways),
        }
        if self.has_http_proxy:
            servers[HTTP_PROXY] = builder.http_proxy(self._own_image)
        return {**servers, "lb": lb}

    def _place_of(self, instance: str) -> Path | None:
        """Tell the directory of its data, where it has a disk of its own."""
        return self._disks[instance].seen if instance in self._disks else None

    def _ways(self, builder: Builder, lb: LoadBalancer) -> tuple[ProxyRoute, ...]:
        """Give the ways of Toxiproxy that it does not have in every lab, and make the front."""
        ways = builder.ways_through_http_proxy() if self.has_http_proxy else ()
        is_broken = self._is_needed(Capability.CUT, "lb") or self._is_needed(
            Capability.DEGRADE, "lb"
        )
        if self._is_needed(Capability.DOUBLE_LB, "lb"):
            # Where clients come through Toxiproxy, a container must reach the front.
            host = builder.gateway if is_broken else "127.0.0.1"
            front = Front(self._ports.reserve(), lb.port, host=host)

            def another(name: str) -> LoadBalancer:
                path = self._settings.lb_ready_path
                return self._load_balancer(builder, name, _STANDBY_PATH, path)

            self._pair = LbPair(lb, front, another)
        if is_broken:
            before = self._pair.front if self._pair is not None else None
            ways += (builder.way_to_lb(f"{before.host}:{before.port}" if before else None),)
        return ways

    def _load_balancer(self, builder: Builder, name: str, *ready_paths: str) -> LoadBalancer:
        environment = {
            **self._settings.lb_environment,
            "ADMIN_TOKEN": self._admin_token,
            # Sets and dictionaries keep their order from run to run, so that a seed repeats a run.
            "PYTHONHASHSEED": "0",
        }
        memory_bytes = self._settings.lb_memory_bytes
        return builder.load_balancer(name, environment, memory_bytes, list(ready_paths))
