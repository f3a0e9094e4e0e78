"""The warden: a small process that outlives the runner just long enough to clean up after it.

It holds the reading end of a pipe whose writing end only the runner has. However the runner
ends, the kernel closes that end; the warden then kills what is left of the lab and exits.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from harness.errors import LabError
from harness.labs.process_tree import ProcessIdentity, kill_tree
from harness.labs.workspace import RUN_MARKER, Workspace

_INTERVAL_SECONDS = 0.02
# A server may be between fork and exec when the runner dies, and bears its marker only after.
_QUIET_SECONDS = 0.3
# What the engine was making when the runner died may appear only then.
_QUIET_ENGINE_SECONDS = 2.0
_GIVE_UP_SECONDS = 10.0


class Warden:
    """The runner's side: tells the warden process what belongs to the run."""

    def __init__(self, workspace: Workspace) -> None:
        with workspace.log_path("warden").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "harness.labs.warden", workspace.run_id],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=workspace.environment(),
                start_new_session=True,
            )

    def watch(self, identity: ProcessIdentity) -> None:
        """Have a server process killed when the runner is gone."""
        self._tell({"pid": identity.pid, "started": identity.started})

    def remove(self, path: Path) -> None:
        """Have a directory, or a file, removed when the runner is gone."""
        self._tell({"path": str(path)})

    def unmount(self, path: Path) -> None:
        """Have what is mounted there unmounted when the runner is gone."""
        self._tell({"mount": str(path)})

    def remove_containers(self, run_id: str) -> None:
        """Have all that a run has in the Docker Engine removed when the runner is gone."""
        self._tell({"containers": run_id})

    def dismiss(self) -> None:
        """Let it clean up now; returns when it is done."""
        with contextlib.suppress(LabError):
            self._tell({"orderly": True})
        pipe = self._process.stdin
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._process.wait()

    def _tell(self, message: dict[str, object]) -> None:
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            raise LabError("the lab is stopped already; start a new one")
        try:
            pipe.write(json.dumps(message).encode() + b"\n")
            pipe.flush()
        except BrokenPipeError as error:
            raise LabError(
                "the lab's warden process was killed, so nothing would clean up after this run; "
                "stop the lab and start it again"
            ) from error


def keep_watch(run_id: str) -> None:
    """Read what belongs to the run until the runner is gone, then leave nothing of it."""
    servers: list[ProcessIdentity] = []
    paths: list[Path] = []
    mounts: list[str] = []
    projects: list[str] = []
    is_orderly = False
    for line in sys.stdin:
        message = json.loads(line)
        if "pid" in message:
            servers.append(ProcessIdentity(message["pid"], message["started"]))
        elif "containers" in message:
            projects.append(message["containers"])
        elif "mount" in message:
            mounts.append(message["mount"])
        elif "orderly" in message:
            is_orderly = True
        else:
            paths.append(Path(message["path"]))
    _kill_all(run_id, servers)
    for project in projects:
        # Only a lab of containers pays for the engine's library.
        from harness.labs.containers.project import remove_run

        remove_run(project, 0.0 if is_orderly else _QUIET_ENGINE_SECONDS)
    for mount in mounts:
        _unmount(mount)
    for path in paths:
        _remove(path)


def _kill_all(run_id: str, servers: list[ProcessIdentity]) -> None:
    now = time.monotonic()
    give_up = now + _GIVE_UP_SECONDS
    quiet_until = now + _QUIET_SECONDS
    while (now := time.monotonic()) < min(give_up, quiet_until):
        found = [process for server in servers for process in kill_tree(server)]
        for identity in _marked(run_id):
            found += kill_tree(identity)
        if found:
            quiet_until = now + _QUIET_SECONDS
        time.sleep(_INTERVAL_SECONDS)


def _unmount(mount: str) -> None:
    """Unmount it, also while somebody still uses it; what is not mounted is left alone."""
    tool = shutil.which("umount", path="/usr/bin:/bin:/usr/sbin:/sbin")
    if tool is not None:
        subprocess.run([tool, "--lazy", mount], capture_output=True, check=False)


def _remove(path: Path) -> None:
    """Remove a file, a control group (whose files cannot be removed), or a directory."""
    for removal in (path.unlink, path.rmdir):
        with contextlib.suppress(OSError):
            removal()
    shutil.rmtree(path, ignore_errors=True)


def _marked(run_id: str) -> Iterator[ProcessIdentity]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(RUN_MARKER) == run_id:
                yield ProcessIdentity(process.pid, process.create_time())


if __name__ == "__main__":
    # A Ctrl-C or a hang-up is for the runner; its end is the only signal here.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    keep_watch(sys.argv[1])
