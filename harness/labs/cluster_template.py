"""A cached, never started PostgreSQL cluster: copying it takes a tenth of what initdb takes."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.errors import LabError
from harness.labs.account import Account
from harness.labs.workspace import Workspace
from harness.parts.part import Part

_INITDB_OPTIONS = (
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",  # Only about initdb itself: what the server writes later is synced.
    "--no-instructions",
)


def cluster_template(
    part: Part, binaries: Path, account: Account | None, workspace: Workspace
) -> Path:
    """Give a cluster to copy, from the cache or newly made; it belongs to `account`.

    There is one per version, installation and account. Runs that make it at the same time do
    not meet: each makes its own and puts it into the cache by one rename, which the first wins.
    """
    cached = _cache_directory() / _key(part, account)
    if cached.is_dir():
        return cached
    made = _initdb(binaries, account, workspace)
    with contextlib.suppress(OSError):
        # A cache that cannot be written only costs time.
        _publish(made, cached)
    return made


def copy_cluster(template: Path, destination: Path) -> None:
    """Copy a cluster together with its owner, which `shutil.copytree` does not keep."""
    subprocess.run(
        ["cp", "-a", str(template), str(destination)],  # noqa: S607 - POSIX says it is there
        check=True,
    )


def _initdb(binaries: Path, account: Account | None, workspace: Workspace) -> Path:
    destination = workspace.data_directory / "postgres-template"
    destination.mkdir(mode=0o700)
    if account is not None:
        os.chown(destination, account.user_id, account.group_id)
    made = subprocess.run(
        [str(binaries / "initdb"), "-D", str(destination), *_INITDB_OPTIONS],
        user=account.user_id if account else None,
        group=account.group_id if account else None,
        extra_groups=[] if account else None,
        cwd="/",
        env=workspace.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise LabError(
            f"postgres: initdb of {binaries} failed with exit code {made.returncode}:\n"
            f"{made.stderr.strip()}\nMend what it says, or see `chroma-chaos doctor`."
        )
    return destination


def _publish(made: Path, cached: Path) -> None:
    cached.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix="new-", dir=cached.parent))
    try:
        copy_cluster(made, staging / "cluster")
        (staging / "cluster").rename(cached)
    except subprocess.CalledProcessError as error:
        raise OSError(str(error)) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _cache_directory() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "chroma-chaos"


def _key(part: Part, account: Account | None) -> str:
    made_from = "\n".join((str(part.path), *_INITDB_OPTIONS))
    digest = hashlib.sha256(made_from.encode()).hexdigest()[:12]
    user_id = account.user_id if account else os.geteuid()
    return f"postgres-{part.version}-{user_id}-{digest}"
