"""The Docker Engine of this machine, behind one honest class; decides nothing.

Its functions block, so a lab calls them in threads. What the engine refuses is a `LabError`.
https://docs.docker.com/reference/api/engine/
"""

import io
import socket
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException

from harness.errors import LabError, PartMissingError

# Making a file system for a container may take long on a busy disk.
_TIMEOUT_SECONDS = 60
_GONE, _WRONG_STATE = 404, 409
_HERE = "unix://"
_DEFAULT = "unix:///var/run/docker.sock"


@dataclass(frozen=True)
class State:
    """What the engine says of a container; `pid` is its first process as this machine sees it.

    `started_seconds` is when it was started last, since 1970.
    """

    is_running: bool
    is_paused: bool
    pid: int
    exit_code: int
    lacked_memory: bool
    started_seconds: float


def _knock(path: str) -> None:
    """Raise `OSError` when nobody listens there: the SDK would leave its socket open."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking:
        knocking.settimeout(_TIMEOUT_SECONDS)
        knocking.connect(path)


class Engine:
    """Raises `PartMissingError` when there is none that answers."""

    def __init__(self) -> None:
        told = docker.utils.kwargs_from_env()
        if sys.platform != "linux" or not told.get("base_url", _HERE).startswith(_HERE):
            raise PartMissingError(
                "containers must run on this machine, and it must be Linux: their processes and "
                "addresses are looked at; unset DOCKER_HOST, or use --lab processes"
            )
        try:
            _knock(told.get("base_url", _DEFAULT).removeprefix(_HERE))
            self._api: Any = docker.APIClient(**told, version="auto", timeout=_TIMEOUT_SECONDS)
            self.version = str(self._api.version()["Version"])
        except (OSError, DockerException) as error:
            raise PartMissingError(
                f"no Docker Engine answers ({_reason(error)}): start one by `make engine`, or set "
                "DOCKER_HOST"
            ) from error

    @property
    def address(self) -> str:
        """Where it is."""
        return str(self._api.base_url)

    def close(self) -> None:
        """Close the connections to it."""
        self._api.close()

    def image_id(self, name: str) -> str:
        """Find an image that is there; empty when it is not."""
        with _but_for(_GONE), _honest(f"image {name}"):
            return str(self._api.inspect_image(name)["Id"])
        return ""

    def pull(self, name: str) -> None:
        """Fetch an image from where its name says."""
        with _honest(f"image {name} could not be fetched"):
            repository, tag = docker.utils.parse_repository_tag(name)
            self._api.pull(repository, tag=tag or "latest")

    def make_network(
        self, name: str, labels: Mapping[str, str], *, internal: bool, subnet: str | None = None
    ) -> None:
        """Make a network; an internal one leads nowhere else."""
        pools = [docker.types.IPAMPool(subnet)] if subnet else []
        with _honest(f"network {name}"):
            self._api.create_network(
                name,
                driver="bridge",
                internal=internal,
                labels=dict(labels),
                ipam=docker.types.IPAMConfig(pool_configs=pools),
            )

    def gateway(self, network: str) -> str:
        """Tell the address of this machine in a network."""
        return self._addresses(network)["Gateway"]

    def subnet(self, network: str) -> str:
        """Tell which addresses a network has."""
        return self._addresses(network)["Subnet"]

    def _addresses(self, network: str) -> dict[str, str]:
        with _honest(f"network {network}"):
            found = self._api.inspect_network(network)["IPAM"]["Config"]
        return dict(found[0])

    def make_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """Make a volume."""
        with _honest(f"volume {name}"):
            self._api.create_volume(name, labels=dict(labels))

    def make_container(self, name: str, configuration: Mapping[str, Any]) -> str:
        """Make a container from what the API takes, and return its id."""
        with _honest(f"container {name}"):
            made = self._api.create_container_from_config(dict(configuration), name)
        return str(made["Id"])

    def connect(
        self, container: str, network: str, aliases: tuple[str, ...], address: str | None
    ) -> None:
        """Put a container into a network, under these names in addition to its own."""
        with _honest(f"network {network}"):
            self._api.connect_container_to_network(
                container, network, aliases=list(aliases), ipv4_address=address
            )

    def disconnect(self, container: str, network: str) -> None:
        """Take a container off a network."""
        with _honest(f"network {network}"):
            self._api.disconnect_container_from_network(container, network)

    def put_file(self, container: str, path: str, content: str) -> None:
        """Write a file into a container that is not started yet."""
        data = content.encode()
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.size = len(data)
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.addfile(entry, io.BytesIO(data))
        with _honest(f"file {path}"):
            self._api.put_archive(container, "/", archive.getvalue())

    def start(self, container: str) -> None:
        """Start it."""
        with _honest("container"):
            self._api.start(container)

    def output(self, container: str, since_seconds: float) -> Iterator[bytes]:
        """Give what it has written since then, and will write until it ends."""
        with _honest("container"):
            yield from self._api.logs(container, stream=True, follow=True, since=since_seconds)

    def state(self, container: str) -> State:
        """Ask what it does."""
        with _honest("container"):
            said = self._api.inspect_container(container)["State"]
        return State(
            is_running=bool(said["Running"]),
            is_paused=bool(said["Paused"]),
            pid=int(said["Pid"]),
            exit_code=int(said["ExitCode"]),
            lacked_memory=bool(said["OOMKilled"]),
            started_seconds=_seconds(said["StartedAt"]),
        )

    def address_of(self, container: str, network: str) -> str | None:
        """Tell the address of a container in a network, empty while it does not run.

        None when it is not there.
        """
        with _honest("container"):
            networks = self._api.inspect_container(container)["NetworkSettings"]["Networks"]
        return str(networks[network]["IPAddress"]) if network in networks else None

    def stop_signal(self, container: str) -> str:
        """Tell the signal that asks it to end."""
        with _honest("container"):
            return str(self._api.inspect_container(container)["Config"].get("StopSignal") or "TERM")

    def send(self, container: str, signal: str) -> None:
        """Send a signal to its first process; does nothing when it does not run."""
        with _but_for(_GONE, _WRONG_STATE), _honest("container"):
            self._api.kill(container, signal)

    def pause(self, container: str) -> None:
        """Freeze all its processes."""
        with _honest("container"):
            self._api.pause(container)

    def unpause(self, container: str) -> None:
        """Thaw them; does nothing when it is not frozen."""
        if self.state(container).is_paused:
            with _honest("container"):
                self._api.unpause(container)

    def limit_memory(self, container: str, most_bytes: int) -> None:
        """Let it have at most so much memory, and no swap."""
        with _honest("container"):
            self._api.update_container(container, mem_limit=most_bytes, memswap_limit=most_bytes)

    def limit_cpu(self, container: str, period_us: int, quota_us: int) -> None:
        """Let it run so much of each period, on all processors together; below 0 as it wants."""
        with _honest("container"):
            self._api.update_container(container, cpu_period=period_us, cpu_quota=quota_us)

    def remove_container(self, container: str) -> None:
        """Remove it, killing it first, with the volumes that nobody named."""
        with _but_for(_GONE, _WRONG_STATE), _honest("container"):
            self._api.remove_container(container, v=True, force=True)

    def labelled(self, label: str) -> tuple[list[Any], list[Any], list[Any]]:
        """List the containers, networks and volumes that bear a label, as the API tells them."""
        wanted = {"label": label}
        with _honest("list"):
            return (
                self._api.containers(all=True, filters=wanted),
                self._api.networks(filters=wanted),
                self._api.volumes(filters=wanted)["Volumes"] or [],
            )

    def remove_network(self, network: str) -> None:
        """Remove it."""
        with _but_for(_GONE), _honest(f"network {network}"):
            self._api.remove_network(network)

    def remove_volume(self, name: str) -> None:
        """Remove it with its data."""
        with _but_for(_GONE), _honest(f"volume {name}"):
            self._api.remove_volume(name, force=True)


class RefusedError(LabError):
    """The engine answered, with an error; `status` is that of HTTP."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


@contextmanager
def _honest(what: str) -> Iterator[None]:
    """Map what the library raises."""
    try:
        yield
    except APIError as error:
        text = f"the Docker Engine refused: {what}: {_reason(error)}"
        raise RefusedError(text, error.status_code or 0) from error
    except (DockerException, requests.RequestException) as error:
        raise LabError(f"the Docker Engine did not answer: {what}: {_reason(error)}") from error


@contextmanager
def _but_for(*statuses: int) -> Iterator[None]:
    """Take these answers for a success."""
    try:
        yield
    except RefusedError as error:
        if error.status not in statuses:
            raise


def _seconds(moment: str) -> float:
    """Read a time of the engine's, to the microsecond; before the first start it is the year 1."""
    whole, _, rest = moment.rstrip("Z").partition(".")
    began = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    return max(0.0, began.timestamp() + float(f"0.{rest[:6] or 0}"))


def _reason(error: Exception) -> str:
    explanation = getattr(error, "explanation", None) or str(error)
    return " ".join(str(explanation).split())
