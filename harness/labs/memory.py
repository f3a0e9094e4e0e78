"""Memory limits on living servers, by a control group of the kernel (version 1).

What a server has when it is limited stays outside of the account: the limit is on what it takes in
addition. A limit on its address space would not be felt, because allocators reserve far more of it
than they use.
"""

import os
import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from harness.errors import LabError
from harness.labs.process_tree import process_tree
from harness.labs.runnable import Runnable
from harness.labs.warden import Warden

_ROOT = Path("/sys/fs/cgroup/memory")
# The shell puts itself into the group and becomes the command, so that nothing is accounted
# elsewhere, and nobody stands between the lab and the server.
_ENTER = 'echo $$ > "$0" && exec "$@"'


def why_no_memory_limits() -> str:
    """Say why servers cannot be limited on this machine; nothing when they can."""
    writable = (_ROOT / "cgroup.procs").exists() and os.access(_ROOT, os.W_OK)
    if sys.platform == "linux" and os.geteuid() == 0 and writable:
        return ""
    return f"a memory limit takes root on Linux, and control groups of version 1 at {_ROOT}"


class MemoryLimit:
    """One control group, and the processes of a server in it."""

    def __init__(self, name: str, warden: Warden) -> None:
        self._group = _ROOT / name
        self._warden = warden

    def set(self, processes: Iterable[int], more_bytes: int) -> None:
        """Put the processes into the group, and limit what they take from now on."""
        self._warden.remove(self._group)
        self._group.mkdir(exist_ok=True)
        _write(self._group / "memory.limit_in_bytes", more_bytes)
        for pid in processes:
            _write(self._group / "cgroup.procs", pid)

    @property
    def prefix(self) -> tuple[str, ...]:
        """The words before a command that start it inside the group."""
        shell = shutil.which("sh") or "/bin/sh"
        return (shell, "-c", _ENTER, str(self._group / "cgroup.procs"))

    @property
    def peak_bytes(self) -> int:
        """The most that the group has had, what the kernel keeps for it included."""
        return int((self._group / "memory.max_usage_in_bytes").read_text())

    def refusals(self) -> int:
        """Count how often the kernel refused memory."""
        try:
            return int((self._group / "memory.failcnt").read_text())
        except FileNotFoundError:
            return 0

    def lift(self) -> None:
        """Let the processes that are left go on without a limit; does nothing without one."""
        with suppress(FileNotFoundError):
            for pid in (self._group / "cgroup.procs").read_text().split():
                with suppress(LabError):
                    _write(_ROOT / "cgroup.procs", int(pid))
            self._group.rmdir()


class LimitsMemory:
    """Gives a process lab the ability `InMemory`."""

    async def limit_memory(self, target: str, more_bytes: int) -> None:
        """Limit what the server and its children take from now on."""
        identity = self._process(target).identity
        if identity is None:
            raise LabError(f"{target} does not run; start it first")
        pids = [process.pid for process in process_tree(identity)]
        self._limit(target).set(pids, more_bytes)

    async def memory_refusals(self, target: str) -> int:
        """Count how often memory was refused."""
        return self._limit(target).refusals()

    async def free_memory(self, target: str) -> None:
        """End the limit."""
        self._limit(target).lift()

    def _limit(self, target: str) -> MemoryLimit:
        raise NotImplementedError

    def _process(self, target: str) -> Runnable:
        raise NotImplementedError


def _write(path: Path, value: int) -> None:
    try:
        path.write_text(str(value))
    except OSError as error:
        raise LabError(f"{path} does not take {value}: {error}") from error
