"""What a container is made of, in the words of the engine's API; pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.labs.containers.compose_file import Service

_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Mount:
    """A directory of this machine, and its place in the container."""

    directory: Path
    place: str
    is_read_only: bool = False


@dataclass(frozen=True)
class ContainerPlan:
    """How one container is made; `server` is what the lab calls it.

    `networks` are the engine's names with the names that it has there, `addresses` those that it
    keeps in some of them, `ports` the ports of this machine by those inside, and `volumes` the
    engine's names of volumes with their places.
    """

    server: str
    name: str
    image: str
    command: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[int, int] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    memory_bytes: int | None = None
    is_read_only: bool = False
    has_init: bool = False
    user: str = ""
    tmpfs: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        service: Service,
        server: str,
        name_of: Callable[[str], str],
        configs: Mapping[str, str],
        networks: Mapping[str, tuple[str, ...]],
    ) -> "ContainerPlan":
        """Make the plan of a service; on every network it also has the name of the server."""
        return cls(
            server=server,
            name=name_of(server),
            image=service.image,
            command=service.command,
            environment=service.environment,
            networks={
                name_of(network): (server, *aliases) for network, aliases in networks.items()
            },
            volumes={name_of(volume): place for volume, place in service.volumes.items()},
            files={place: configs[source] for source, place in service.configs.items()},
            memory_bytes=service.memory_bytes,
            is_read_only=service.is_read_only,
            has_init=service.has_init,
            user=service.user,
            tmpfs=service.tmpfs,
            cap_drop=service.cap_drop,
            security_opt=service.security_opt,
        )

    @property
    def further_networks(self) -> tuple[str, ...]:
        """All but the first: older engines take one network at the making."""
        return tuple(self.networks)[1:]

    def configuration(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """Give what the API's `POST /containers/create` takes."""
        first, aliases = next(iter(self.networks.items()))
        endpoint: dict[str, Any] = {"Aliases": list(aliases)}
        if first in self.addresses:
            endpoint["IPAMConfig"] = {"IPv4Address": self.addresses[first]}
        said: dict[str, Any] = {
            "Image": self.image,
            "Env": [f"{name}={value}" for name, value in environment.items()],
            "Labels": dict(self.labels),
            # The lab asks servers itself; a program started in them every second would cost them.
            "Healthcheck": {"Test": ["NONE"]},
            "ExposedPorts": {f"{inside}/tcp": {} for inside in self.ports},
            "HostConfig": self._host_configuration(first),
            "NetworkingConfig": {"EndpointsConfig": {first: endpoint}},
        }
        if self.command is not None:
            said["Cmd"] = list(self.command)
        if self.user:
            said["User"] = self.user
        return said

    def _host_configuration(self, network: str) -> dict[str, Any]:
        said: dict[str, Any] = {
            "NetworkMode": network,
            "PortBindings": {
                f"{inside}/tcp": [{"HostIp": _HOST, "HostPort": str(outside)}]
                for inside, outside in self.ports.items()
            },
            "Mounts": [
                *(
                    {"Type": "volume", "Source": name, "Target": place}
                    for name, place in self.volumes.items()
                ),
                *(
                    {
                        "Type": "bind",
                        "Source": str(mount.directory),
                        "Target": mount.place,
                        "ReadOnly": mount.is_read_only,
                    }
                    for mount in self.mounts
                ),
            ],
            "ReadonlyRootfs": self.is_read_only,
            "Init": self.has_init,
            "Tmpfs": dict.fromkeys(self.tmpfs, ""),
            "CapDrop": list(self.cap_drop),
            "SecurityOpt": list(self.security_opt),
        }
        if self.memory_bytes is not None:
            said |= {"Memory": self.memory_bytes, "MemorySwap": self.memory_bytes}
        return said
