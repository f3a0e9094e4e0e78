"""A disk that gave up takes writes when it was mended, also where somebody lets go of it late."""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest
import pytest_asyncio

from harness.errors import LabError
from harness.faults.disk import write_a_block
from harness.labs import disks
from harness.labs.disks import Disk, OwnDisk, why_no_disks
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace
from harness.polling import poll_until

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(bool(why_no_disks()), reason=why_no_disks()),
]


D = TypeVar("D", bound=Disk)


@asynccontextmanager
async def started(kind: type[D], path: Path) -> AsyncIterator[D]:
    workspace = Workspace.create(path)
    warden = Warden(workspace)
    warden.remove(workspace.data_directory)
    disk = kind("primary", workspace.data_directory / "primary", workspace, warden)
    await disk.start()
    try:
        yield disk
    finally:
        with suppress(LabError):  # What could not be mended is not mounted.
            await disk.stop()
        warden.dismiss()
        workspace.remove_data()


@pytest_asyncio.fixture
async def disk(tmp_path: Path) -> AsyncIterator[Disk]:
    async with started(Disk, tmp_path / "run") as disk:
        yield disk


@asynccontextmanager
async def somebody_else(disk: Disk) -> AsyncIterator[asyncio.subprocess.Process]:
    """Have the disk in a namespace of its own, as a container has that was just killed."""
    command = ("unshare", "--mount", "--propagation", "private", "sh", "-c", "echo; exec sleep 600")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_it_is_mounted_again_when_nobody_has_it_any_more(disk: Disk) -> None:
    async with somebody_else(disk) as other:
        await disk.freeze()
        assert write_a_block(disk.seen) == errno.EROFS
        mending = asyncio.create_task(disk.mend())

        async def is_unmounted() -> bool:
            return mending.done() or not disk.seen.is_mount()

        await poll_until(is_unmounted, 20, lambda: LabError("it is still mounted"))
        other.kill()
        await mending
    assert write_a_block(disk.seen) == 0


async def test_who_keeps_it_is_told(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "_LET_GO_SECONDS", 0.1)
    async with somebody_else(disk):
        await disk.freeze()
        with pytest.raises(LabError, match=r"primary\.ext4 is still mounted somewhere"):
            await disk.mend()


async def test_the_disk_of_a_process_keeps_none_that_is_mounted_for_all(
    disk: Disk, tmp_path: Path
) -> None:
    async with started(OwnDisk, tmp_path / "another") as own:
        await disk.freeze()
        await disk.mend()
        assert write_a_block(disk.seen) == write_a_block(own.seen) == 0
