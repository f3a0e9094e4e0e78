"""The clocks of servers: those that libfaketime lets run ahead or behind, while they run.

Only the time of day is shifted. Monotonic clocks stay, as they do when somebody sets a real clock.
"""

from dataclasses import replace
from pathlib import Path

from harness.errors import LabError
from harness.labs.server_process import Surroundings

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where the library puts its files, by their pid


class ClockFile:
    """The file that says how far a server's clock is off; the server reads it at every look."""

    def __init__(self, path: Path, library: Path) -> None:
        self._path = path
        self._library = library

    def shift(self, seconds: int) -> None:
        """Write it, in one step for its reader."""
        new = self._path.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n")
        # PostgreSQL may run as another user.
        new.chmod(0o644)
        new.replace(self._path)

    def surroundings(self, others: Surroundings) -> Surroundings:
        """Give what a server must be started with, besides what it has already."""
        environment = {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        return replace(others, environment=environment, leftovers=_shared_files)


def _shared_files(pid: int) -> tuple[Path, ...]:
    names = (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}")
    return tuple(_SHARED_MEMORY / name for name in names)


class ShiftsClocks:
    """Gives a process lab the ability `OnClocks`."""

    _clocks: dict[str, ClockFile]

    def shift_clock(self, target: str, seconds: int) -> None:
        """Write the server's clock file."""
        if target not in self._clocks:
            raise LabError(f"{target} was not started with a clock of its own")
        self._clocks[target].shift(seconds)
