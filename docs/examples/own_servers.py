"""A lab of servers on this machine that somebody else has started: they can be paused, too."""

import os
from collections.abc import Mapping
from pathlib import Path

import psutil

from harness.labs.base import Capability, Need
from harness.labs.remote import RemoteLab, RemoteLabSettings
from harness.runner.lab_choice import LabOptions


class OwnServersLab(RemoteLab):
    """A `RemoteLab` that is `Pausable`, where it was told the process of an instance."""

    name = "own-servers"
    capabilities = RemoteLab.capabilities | {Capability.PAUSE}

    def __init__(self, settings: RemoteLabSettings, processes: Mapping[str, int]) -> None:
        super().__init__(settings)
        self._processes = {name: psutil.Process(pid) for name, pid in processes.items()}

    def why_not(self, need: Need) -> str:
        """Say why it cannot be done."""
        if need.capability is not Capability.PAUSE:
            return super().why_not(need)
        known = need.target in self._processes
        return "" if known else f"nobody has said which process {need.target} is"

    def is_paused(self, target: str) -> bool:
        """Tell whether the process is stopped, but not ended."""
        return self._processes[target].status() == psutil.STATUS_STOPPED

    async def pause(self, target: str) -> None:
        """SIGSTOP."""
        self._processes[target].suspend()

    async def resume(self, target: str) -> None:
        """SIGCONT."""
        self._processes[target].resume()

    async def stop(self) -> None:
        """Leave the system as it was: nothing of it is paused."""
        for process in self._processes.values():
            process.resume()


def own_servers(options: LabOptions, run_directory: Path) -> OwnServersLab:
    """Make the lab of what the environment says: `LB_URL`, and URLs and processes of both."""
    del options
    names = ("primary", "replica")
    urls = tuple(os.environ[f"{name.upper()}_URL"] for name in names)
    settings = RemoteLabSettings(run_directory, os.environ["LB_URL"], urls)
    return OwnServersLab(settings, {name: int(os.environ[f"{name.upper()}_PID"]) for name in names})
