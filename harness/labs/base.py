"""What every lab offers, whatever it is made of; knows no fault and no workload."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from harness.http_proxy.rules import Rule, Tally


class Capability(StrEnum):
    """Something that a lab can do to one of its targets."""

    KILL = "kill"
    RESTART = "restart"
    PAUSE = "pause"
    CUT = "cut"
    DEGRADE = "degrade"
    INTERCEPT = "intercept"
    STOP = "stop"
    DOUBLE_LB = "double-lb"
    FAILPOINT = "failpoint"
    FILL_DISK = "fill-disk"
    FREEZE_DISK = "freeze-disk"
    SHIFT_CLOCK = "shift-clock"
    LIMIT_MEMORY = "limit-memory"
    LIMIT_CPU = "limit-cpu"
    DISCONNECT = "disconnect"
    FORCE_HEALTH = "force-health"


@dataclass(frozen=True)
class Need:
    """What somebody will ask of a lab: something that it can do, and to whom."""

    capability: Capability
    target: str


@dataclass(frozen=True)
class Instance:
    """One Chroma server: `url` reaches it directly, past every proxy of the lab."""

    name: str
    url: str


@dataclass(frozen=True)
class Toxic:
    """One way to degrade a network, in Toxiproxy's words: its kind, direction and attributes.

    `stream` is `upstream` for what goes to the server and `downstream` for what comes from it.
    https://github.com/Shopify/toxiproxy#toxics
    """

    kind: str
    stream: str
    attributes: Mapping[str, int]

    @property
    def name(self) -> str:
        """What tells it from the others on the same way."""
        return f"{self.kind}-{self.stream}"


@dataclass(frozen=True)
class ServerSample:
    """What one server process costs at one moment."""

    server: str
    rss_bytes: int
    cpu_seconds: float


class Lab(Protocol):
    """An environment under test. `start` and `stop` are idempotent; `stop` never raises."""

    name: str
    run_directory: Path

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this lab can do; a fault that needs more is refused before the run."""
        ...

    @property
    def lb_url(self) -> str:
        """Where clients send their requests, without a trailing slash."""
        ...

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The Chroma servers, the preferred one (`primary`) first."""
        ...

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the servers that faults may name, such as `primary` or `postgres`."""
        ...

    def urls(self) -> Mapping[str, str]:
        """Where each server itself listens, past every proxy, by the names of `targets`."""
        ...

    @property
    def versions(self) -> Mapping[str, str]:
        """The version of each real part, for the record of the run."""
        ...

    async def start(self) -> None:
        """Start every server and return when all are healthy; raises `LabError`."""
        ...

    async def stop(self) -> None:
        """Stop every server, and return when none is left."""
        ...

    def log_path(self, target: str) -> Path:
        """Name the log file of one server."""
        ...

    def samples(self) -> tuple[ServerSample, ...]:
        """Measure what each living server costs now."""
        ...


@runtime_checkable
class Killable(Protocol):
    """The ability behind `Capability.KILL` and `Capability.RESTART`."""

    def is_alive(self, target: str) -> bool:
        """Tell whether the server process of `target` runs."""
        ...

    async def kill(self, target: str) -> None:
        """SIGKILL the server process, and return when it is gone."""
        ...

    async def restart(self, target: str) -> None:
        """Start a killed server again on its old address and data; returns when it answers."""
        ...


@runtime_checkable
class Pausable(Protocol):
    """The ability behind `Capability.PAUSE`."""

    def is_paused(self, target: str) -> bool:
        """Tell whether the server process of `target` is stopped, but not ended."""
        ...

    async def pause(self, target: str) -> None:
        """Stop the server process where it is: connections are accepted, nothing answers."""
        ...

    async def resume(self, target: str) -> None:
        """Let a paused server process go on; does nothing to one that runs."""
        ...


@runtime_checkable
class Networked(Protocol):
    """The ability behind `Capability.CUT` and `Capability.DEGRADE`."""

    def proxied_urls(self) -> Mapping[str, str]:
        """Where the load balancer reaches each server whose network can be broken."""
        ...

    async def cut(self, target: str) -> None:
        """Refuse connections to the server, and end those there are."""
        ...

    async def mend(self, target: str) -> None:
        """Let connections through again, whatever was done to the network before."""
        ...

    async def degrade(self, target: str, toxics: Sequence[Toxic]) -> None:
        """Make what goes to the server and comes from it suffer, on living connections too."""
        ...


class Interceptor(Protocol):
    """What singles out HTTP requests on their way to servers, and does something to them."""

    @property
    def targets(self) -> tuple[str, ...]:
        """The servers whose requests come by here."""
        ...

    async def intercept(self, target: str, rule: Rule) -> None:
        """Put a rule in force for the requests to a server."""
        ...

    async def lift(self, target: str, name: str) -> None:
        """End a rule; does nothing when there is none."""
        ...

    async def tally(self, target: str, name: str, *, awaited: bool = False) -> Tally:
        """Tell what a rule has done; where `awaited`, once it has singled out a request."""
        ...


@runtime_checkable
class Interceptable(Protocol):
    """The ability behind `Capability.INTERCEPT`: single HTTP requests meet a fate of their own."""

    def interceptor(self) -> Interceptor:
        """Give what does it; raises `LabError` when this lab was built without it."""
        ...
