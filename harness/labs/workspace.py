"""Where one run of a lab lives: its directory, its logs, its data, and the mark of its processes.

Logs stay in the run directory. Data is disposable: it lies on tmpfs where there is one, is reached
through the link `data` in the run directory, and goes when the lab stops.
"""

import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.errors import LabError

# Every server process carries its run's id in its environment under this name.
RUN_MARKER = "CHROMA_CHAOS_RUN"
_TMPFS = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it, unguessable
_TMPFS_FREE_BYTES = 1 << 30


@dataclass(frozen=True)
class Workspace:
    """The directories of one run; `run_id` is unique on this machine."""

    run_id: str
    run_directory: Path
    data_directory: Path

    @classmethod
    def create(cls, run_directory: Path) -> "Workspace":
        """Make the directories of a run; raises `LabError` when the place is taken."""
        run_directory = run_directory.resolve()
        link = run_directory / "data"
        if link.is_symlink() and not link.exists():
            link.unlink()  # The data of an earlier lab here is gone with that lab.
        if link.exists():
            raise LabError(
                f"{run_directory} is used by another lab; choose another directory, "
                "or stop that lab first"
            )
        (run_directory / "logs").mkdir(parents=True, exist_ok=True)
        run_id = secrets.token_hex(8)
        data = Path(tempfile.mkdtemp(prefix=f"chroma-chaos-{run_id}-", dir=_data_root()))
        # PostgreSQL may run as another user, who has to get through to its own directory.
        data.chmod(0o711)
        link.symlink_to(data)
        return cls(run_id, run_directory, data)

    def log_path(self, server: str) -> Path:
        """Name the log file of one server."""
        return self.run_directory / "logs" / f"{server}.log"

    def environment(self) -> dict[str, str]:
        """Give the environment of the run's processes, with the mark that the warden looks for."""
        return {**os.environ, RUN_MARKER: self.run_id}

    def remove_data(self) -> None:
        """Remove the data and its link; the logs stay."""
        shutil.rmtree(self.data_directory, ignore_errors=True)
        (self.run_directory / "data").unlink(missing_ok=True)


def _data_root() -> Path:
    if _TMPFS.is_dir() and os.access(_TMPFS, os.W_OK):
        free = os.statvfs(_TMPFS)
        if free.f_bavail * free.f_frsize >= _TMPFS_FREE_BYTES:
            return _TMPFS
    return Path(tempfile.gettempdir())
