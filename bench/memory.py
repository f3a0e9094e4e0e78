"""A control group for the load balancer, and what the kernel says of its memory."""

import os
from pathlib import Path

from bench.rig import Rig, Server, pid_of
from harness.errors import LabError
from harness.labs.memory import MemoryLimit, why_no_memory_limits


class LimitedGroup:
    """A group of at most so many bytes; a process that cannot do with them is killed.

    It goes with the rig.
    """

    def __init__(self, rig: Rig, limit_bytes: int) -> None:
        self._limit = MemoryLimit(f"chroma-bench-{rig.workspace.run_id}", rig.warden)
        self._limit.set((), limit_bytes)

    @property
    def prefix(self) -> tuple[str, ...]:
        """The words before a command that start it inside the group."""
        return self._limit.prefix

    @property
    def peak_bytes(self) -> int:
        """The most that the group has had, what the kernel keeps for it included."""
        return self._limit.peak_bytes

    @property
    def refusals(self) -> int:
        """How often the limit was reached; the kernel may have made room by itself."""
        return self._limit.refusals()


def why_no_group() -> str:
    """Say why there can be no group here; nothing when there can."""
    return why_no_memory_limits()


def why_no_peak() -> str:
    """Say why the peak of a process cannot be read here; nothing when it can."""
    readable = Path(f"/proc/{os.getpid()}/status").exists()
    return "" if readable else "the peak of a process's memory is read from /proc, which Linux has"


def peak_resident_bytes(server: Server) -> int:
    """Read the most memory that a process has had resident (VmHWM).

    Raises `LabError` when it is dead.
    """
    lines = Path(f"/proc/{pid_of(server)}/status").read_text().splitlines()
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    if not found:
        raise LabError(f"{server.process.command.name} ended by {server.process.ending}")
    return int(found[0]) * 1024
