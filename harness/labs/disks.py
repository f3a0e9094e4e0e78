"""Disks of their own for servers: small, real file systems that can be filled and broken.

A disk is an ext4 image in the lab's data. That of a process is mounted in a mount namespace that
only the server and a process that holds it are in: nobody else sees it, and it ends with these
processes, however they end. That of a container is mounted where the engine finds it. Ext4's own
`abort` makes it read-only under a running server, as a failing disk does.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from harness.errors import LabError
from harness.labs.filling import Filling
from harness.labs.server_process import ServerCommand, ServerProcess, Surroundings
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace
from harness.polling import poll_until

_DISK_BYTES = 256 << 20
_FILLING = "filling"
_START_TIMEOUT_SECONDS = 10.0
_LET_GO_SECONDS = 20.0
_TOOLS = ("unshare", "nsenter", "mount", "umount", "mkfs.ext4", "e2fsck")
# e2fsck says 1 when it has mended something.
_MENDED = 1


def why_no_disks() -> str:
    """Say why servers cannot have disks of their own on this machine; nothing when they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a disk of its own for a server takes root on Linux"
    missing = [tool for tool in _TOOLS if _tool(tool) is None]
    if missing:
        return f"a disk of its own for a server takes {', '.join(missing)}"
    return "" if Path("/dev/loop-control").exists() else "there are no loop devices"


class Disk:
    """The disk under one server's data directory; it keeps what is on it until `stop`.

    It is mounted for all of this machine. The warden takes it down when the runner is gone.
    """

    def __init__(self, server: str, directory: Path, workspace: Workspace, warden: Warden) -> None:
        self._directory = directory
        self._image = workspace.data_directory / f"{server}.ext4"
        self._warden = warden
        self._filling = Filling(lambda: self.seen / _FILLING)
        self._is_broken = False

    @property
    def is_broken(self) -> bool:
        """Whether it was filled or frozen, and not mended since."""
        return self._is_broken

    @property
    def seen(self) -> Path:
        """The directory as the server has it."""
        return self._directory

    async def start(self) -> None:
        """Make the disk and mount it, empty."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with self._image.open("wb") as image:
            image.truncate(_DISK_BYTES)
        await _run(_path("mkfs.ext4"), "-q", "-F", "-m", "0", str(self._image))
        await self._prepare()
        await self._mount()

    async def stop(self) -> None:
        """Unmount it; no server may use it any more."""
        await self._filling.stop()
        await _run(_path("umount"), str(self._directory))

    async def fill(self) -> None:
        """Leave no space, until it is mended."""
        self._is_broken = True
        await self._filling.start()

    async def freeze(self) -> None:
        """Let the file system give up, as it does when its disk fails."""
        self._is_broken = True
        await self._run_inside("mount", "-o", "remount,abort", str(self._directory))

    async def mend(self) -> None:
        """Repair the file system, and take away what filled it; nobody may use it meanwhile."""
        await self._filling.stop()
        await self._run_inside("umount", str(self._directory))
        await self._is_let_go()
        await _run(_path("e2fsck"), "-p", str(self._image), most=_MENDED)
        await self._mount()
        (self.seen / _FILLING).unlink(missing_ok=True)
        self._is_broken = False

    async def _is_let_go(self) -> None:
        """Wait until nobody has it mounted any more; a killed container may for a moment longer.

        Mounted again meanwhile it would be the same file system, which has given up.
        """

        async def see() -> bool:
            return str(self._image.resolve()) not in _on_loop_devices()

        failure = f"{self._image} is still mounted somewhere after {_LET_GO_SECONDS:g} s"
        await poll_until(see, _LET_GO_SECONDS, lambda: LabError(failure))

    async def _mount(self) -> None:
        await self._run_inside("mount", "-o", "loop", str(self._image), str(self._directory))

    async def _run_inside(self, tool: str, *arguments: str) -> None:
        await _run(*self._inside(), _path(tool), *arguments)

    async def _prepare(self) -> None:
        self._warden.unmount(self._directory)

    def _inside(self) -> tuple[str, ...]:
        """Give the words before a command with which it sees the disk."""
        return ()


class OwnDisk(Disk):
    """The disk of one process: mounted in a namespace of its own."""

    def __init__(self, server: str, directory: Path, workspace: Workspace, warden: Warden) -> None:
        super().__init__(server, directory, workspace, warden)
        arguments = (
            *(_path("unshare"), "--mount", "--propagation", "private"),
            *("sleep", "infinity"),
        )
        command = ServerCommand(name=f"disk-{server}", arguments=arguments)
        self._holder = ServerProcess(command, workspace, warden)

    @property
    def seen(self) -> Path:
        """The directory as it is inside of the namespace."""
        return Path(f"/proc/{self._pid}/root{self._directory}")

    def surroundings(self) -> Surroundings:
        """Give what the server must be started with to see its disk."""
        return Surroundings(prefix=self._inside())

    async def stop(self) -> None:
        """End the namespace, and with it the mount."""
        await self._filling.stop()
        await self._holder.kill()

    async def _prepare(self) -> None:
        await self._holder.start(self._is_apart, _START_TIMEOUT_SECONDS)
        # The namespace began with all that is mounted for all: it must not keep others' disks,
        # which could not be mended as long as it does.
        for other in self._disks_inside():
            with suppress(LabError):  # It was taken away meanwhile.
                await self._run_inside("umount", str(other))

    def _disks_inside(self) -> list[Path]:
        labs = self._directory.parent.parent
        mounts = Path(f"/proc/{self._pid}/mounts").read_text().splitlines()
        places = [Path(line.split()[1]) for line in mounts if line.startswith("/dev/loop")]
        return [place for place in places if place.parent.parent == labs]

    def _inside(self) -> tuple[str, ...]:
        return (_path("nsenter"), "--target", str(self._pid), "--mount", "--")

    async def _is_apart(self) -> bool:
        return _mount_namespace("self") != _mount_namespace(str(self._pid))

    @property
    def _pid(self) -> int:
        identity = self._holder.identity
        if identity is None:
            raise LabError(f"{self._holder.command.name} is not mounted; start the lab first")
        return identity.pid


class HasDisks:
    """Gives a lab the ability `OnDisks`."""

    _disks: Mapping[str, Disk]

    def disk(self, target: str) -> Path:
        """Name the directory inside of the server's namespace."""
        return self._disk(target).seen

    def is_disk_broken(self, target: str) -> bool:
        """Tell whether it was broken and not mended since."""
        return self._disk(target).is_broken

    async def fill_disk(self, target: str) -> None:
        """Leave no space on it until it is mended."""
        await self._disk(target).fill()

    async def freeze_disk(self, target: str) -> None:
        """Make it read-only at once."""
        await self._disk(target).freeze()

    async def mend_disk(self, target: str) -> None:
        """Repair it, with space on it."""
        await self._disk(target).mend()

    def _disk(self, target: str) -> Disk:
        if target not in self._disks:
            raise LabError(f"{target} was not started on a disk of its own")
        return self._disks[target]


def _mount_namespace(pid: str) -> Path:
    return Path(f"/proc/{pid}/ns/mnt").readlink()


def _on_loop_devices() -> set[str]:
    found = set()
    for path in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):  # It was let go just now.
            found.add(path.read_text().rstrip("\n"))
    return found


def _tool(name: str) -> str | None:
    # An ordinary PATH may lack the directories of the administrator's tools.
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _path(name: str) -> str:
    return _tool(name) or name


async def _run(*words: str, most: int = 0) -> None:
    def run() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(words, capture_output=True, text=True, check=False)

    done = await asyncio.to_thread(run)
    if not 0 <= done.returncode <= most:
        raise LabError(
            f"{' '.join(words)} ended with exit code {done.returncode}: "
            f"{(done.stderr or done.stdout).strip()}"
        )
