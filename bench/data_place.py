"""Where the servers of a benchmark keep their data: all in one place, and which sort of disk it is.

By default on the disk of temporary files, because a database is kept on a disk: on tmpfs a write of
Chroma costs a quarter of what it costs on a disk, and there is little to gain by merging.
"""

import secrets
import tempfile
from pathlib import Path

import psutil

from harness.labs.workspace import Workspace


def workspace_in(place: Path, run_directory: Path) -> Workspace:
    """Make the directories of a run, its data under `place`."""
    run_directory = run_directory.resolve()
    (run_directory / "logs").mkdir(parents=True, exist_ok=True)
    run_id = secrets.token_hex(8)
    data = Path(tempfile.mkdtemp(prefix=f"chroma-bench-{run_id}-", dir=place))
    # PostgreSQL may run as another user, who has to get through to its own directory.
    data.chmod(0o711)
    return Workspace(run_id, run_directory, data)


def kind_of(place: Path) -> str:
    """Name the file system of a directory, as in `ext4 (/dev/vda)`."""
    place = place.resolve()
    mounts = psutil.disk_partitions(all=True)
    holding = [m for m in mounts if place.is_relative_to(m.mountpoint)]
    if not holding:
        return "unknown"
    nearest = max(holding, key=lambda mount: len(mount.mountpoint))
    return f"{nearest.fstype} ({nearest.device})"
