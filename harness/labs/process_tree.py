"""A server process with all its descendants: who they are, and killing every one of them."""

import contextlib
import os
import signal
from dataclasses import dataclass

import psutil

from harness.labs.base import ServerSample

# Start times are counted from the time of boot, which moves when somebody sets the clock.
_CLOCK_TOLERANCE_SECONDS = 2.0


@dataclass(frozen=True)
class ProcessIdentity:
    """A process id together with its start time: a reused id is somebody else's process."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity":
        """Identify a living process, or one that is dead but not reaped yet."""
        return cls(pid, psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """Find the process again, living or not reaped yet; None when it is gone."""
        try:
            process = psutil.Process(self.pid)
            away_seconds = abs(process.create_time() - self.started)
        except psutil.NoSuchProcess:
            return None
        return process if away_seconds < _CLOCK_TOLERANCE_SECONDS else None


def runs(process: psutil.Process) -> bool:
    """Tell whether a process is more than an entry that waits to be reaped."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def process_tree(identity: ProcessIdentity) -> list[psutil.Process]:
    """List the running process and its running descendants, parents first."""
    root = identity.find()
    if root is None:
        return []
    try:
        return [process for process in (root, *root.children(recursive=True)) if runs(process)]
    except psutil.NoSuchProcess:
        return []


def kill_tree(identity: ProcessIdentity) -> list[psutil.Process]:
    """SIGKILL a process, its group and its descendants; answers those that were running.

    The descendants are listed before the first dies, because PostgreSQL's children lead
    sessions of their own and would be found by neither parent nor group afterwards.
    """
    tree = process_tree(identity)
    if tree or not psutil.pid_exists(identity.pid):
        # Without its leader a group may still have members, and keeps the id from being reused.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(identity.pid, signal.SIGKILL)
    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return tree


def cost_of(server: str, identity: ProcessIdentity) -> ServerSample | None:
    """Measure what a process costs now, its descendants included; None when it is gone."""
    rss_bytes = 0
    cpu_seconds = 0.0
    tree = process_tree(identity)
    for process in tree:
        try:
            rss_bytes += process.memory_info().rss
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        cpu_seconds += times.user + times.system
    return ServerSample(server, rss_bytes, cpu_seconds) if tree else None
