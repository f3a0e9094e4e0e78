"""Control groups of the kernel: the one that a process is in, and groups of a run's own.

Where a process is accounted is found in either version; groups of our own take version 1.
"""

import os
import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from harness.errors import LabError
from harness.labs.warden import Warden
from harness.polling import poll_until

_ROOT = Path("/sys/fs/cgroup")
# The shell puts itself into the group and becomes the command, so that nothing is accounted
# elsewhere, and nobody stands between the lab and the server.
_ENTER = 'echo $$ > "$0" && exec "$@"'
_LIFT_SECONDS = 10.0


@dataclass(frozen=True)
class ControlGroup:
    """What the kernel tells of the processes of a group; it is gone when the last of them is."""

    directory: Path
    is_first_version: bool

    @classmethod
    def of(cls, pid: int, controller: str) -> Self:
        """Find that of a process; raises `OSError` when it is gone, and `LabError`."""
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, place = line.split(":", 2)
            if controller in controllers.split(","):
                return cls(_ROOT / controller / place.lstrip("/"), is_first_version=True)
            if not controllers and (_ROOT / "cgroup.controllers").exists():
                return cls(_ROOT / place.lstrip("/"), is_first_version=False)
        raise LabError(f"process {pid} has no account of its {controller} in {_ROOT}")

    def number(self, name: str) -> int:
        """Read a file that is one number."""
        return int((self.directory / name).read_text())

    def figures(self, name: str) -> dict[str, int]:
        """Read a file whose lines are words with their numbers."""
        lines = (line.split() for line in (self.directory / name).read_text().splitlines())
        return {word: int(number) for word, number in lines}


def why_no_groups(controller: str) -> str:
    """Say why there can be no group of our own on this machine; nothing when there can."""
    root = _ROOT / controller
    writable = (root / "cgroup.procs").exists() and os.access(root, os.W_OK)
    if sys.platform == "linux" and os.geteuid() == 0 and writable:
        return ""
    return f"a {controller} limit takes root on Linux, and control groups of version 1 at {root}"


class OwnGroup:
    """A control group (version 1) for processes of a run; the warden removes it after them."""

    def __init__(self, controller: str, name: str, warden: Warden) -> None:
        self._root = _ROOT / controller
        self.directory = self._root / name
        self._warden = warden

    @property
    def prefix(self) -> tuple[str, ...]:
        """The words before a command that start it inside the group."""
        shell = shutil.which("sh") or "/bin/sh"
        return (shell, "-c", _ENTER, str(self.directory / "cgroup.procs"))

    def make(self) -> None:
        """Make it, unless it is there."""
        self._warden.remove(self.directory)
        self.directory.mkdir(exist_ok=True)

    def write(self, name: str, value: int) -> None:
        """Set one of its limits; raises `LabError`."""
        _write(self.directory / name, value)

    def take_in(self, processes: Iterable[int]) -> None:
        """Put the processes into it; raises `LabError`."""
        for pid in processes:
            self.write("cgroup.procs", pid)

    async def lift(self) -> None:
        """Let the processes that are left go on outside of it; does nothing without the group.

        One that is ending cannot be moved, and keeps the group until it has ended.
        """
        await poll_until(
            self._is_removed,
            _LIFT_SECONDS,
            lambda: LabError(f"{self.directory} is in use after {_LIFT_SECONDS:g} s"),
        )

    async def _is_removed(self) -> bool:
        try:
            for pid in (self.directory / "cgroup.procs").read_text().split():
                with suppress(LabError):
                    _write(self._root / "cgroup.procs", int(pid))
            self.directory.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


def _write(path: Path, value: int) -> None:
    try:
        path.write_text(str(value))
    except OSError as error:
        raise LabError(f"{path} does not take {value}: {error}") from error
