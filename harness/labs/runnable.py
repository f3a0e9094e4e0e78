"""What a server runs in, whatever that is: a process of this machine, or a container."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol

from harness.labs.base import ServerSample
from harness.labs.process_tree import ProcessIdentity


class Runnable(Protocol):
    """It can be started, killed and started again, on the same address and data."""

    environment: Mapping[str, str]
    """What it is given at its next start."""

    @property
    def identity(self) -> ProcessIdentity | None:
        """The process that was started last, None before the first start."""
        ...

    @property
    def ending(self) -> str:
        """How it ended: its exit code, or the signal that it died of."""
        ...

    @property
    def log_path(self) -> Path:
        """Where its output goes."""
        ...

    def is_alive(self) -> bool:
        """Tell whether it runs."""
        ...

    def is_paused(self) -> bool:
        """Tell whether it is stopped where it is, but not ended."""
        ...

    def sample(self) -> ServerSample | None:
        """Measure what it costs now, descendants included; None when it is dead."""
        ...

    async def start(self, ready: Callable[[], Awaitable[bool]], timeout_seconds: float) -> None:
        """Start it and return when `ready` holds; raises `LabError`."""
        ...

    async def pause(self) -> None:
        """Stop it where it is; raises `LabError` when it is dead."""
        ...

    async def resume(self) -> None:
        """Let it go on; does nothing when it is dead."""
        ...

    async def kill(self) -> None:
        """SIGKILL it and its descendants, and return when all are gone."""
        ...

    async def end(self, timeout_seconds: float) -> None:
        """Ask it to end, and return when it is gone; raises `LabError` if it stays."""
        ...

    async def stop(self, grace_seconds: float) -> None:
        """Ask it to end, and kill what is left of it after the grace time."""
        ...


class Server(Protocol):
    """One server of a lab, at an address that it keeps."""

    @property
    def url(self) -> str:
        """Where it itself listens, past every proxy."""
        ...

    @property
    def process(self) -> Runnable:
        """What it runs in."""
        ...

    async def start(self, timeout_seconds: float) -> None:
        """Start it and return when it answers; raises `LabError`."""
        ...
