"""What every lab offers, whatever it is made of; knows no fault and no workload."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable


class Capability(StrEnum):
    """Something that a lab can do to one of its targets."""

    KILL = "kill"
    RESTART = "restart"


@dataclass(frozen=True)
class Instance:
    """One Chroma server: `url` reaches it directly, past every proxy of the lab."""

    name: str
    url: str


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
