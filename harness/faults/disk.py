"""Owns the faults of a server's disk: it has no space left, or it can only be read."""

import contextlib
import errno
import os
from dataclasses import dataclass
from pathlib import Path

from harness.errors import FaultError, UnsupportedFaultError
from harness.faults import proof
from harness.faults.kill import Kill
from harness.labs.abilities import OnDisks
from harness.labs.base import Capability, Lab
from harness.polling import poll_until


@dataclass(frozen=True)
class DiskFault(Kill):
    """Whatever the server writes to its disk fails; what is there can be read.

    The healing mends the disk while the server is down and starts it again: Chroma 1.5.9 does not
    write again after an error of its disk until it is started anew.
    """

    @property
    def refusal(self) -> int:
        """The error number that a write to the disk gets."""
        raise NotImplementedError

    async def prove_effect(self, lab: Lab) -> str:
        """Be refused a write where the server writes, as the server would be."""
        disk = on_disks(lab).disk(self.target)

        async def see() -> str:
            code = write_a_block(disk)
            if code != self.refusal:
                return ""
            return f"a write where it writes was refused: {os.strerror(code)}"

        failure = f"the disk of {self.target} was not seen to refuse a write"
        return await poll_until(see, proof.PROOF_SECONDS, lambda: FaultError(failure))

    async def heal(self, lab: Lab) -> None:
        """End the server, mend its disk, and start it; unless it is well already.

        That a write is taken just now does not make it well: the server may have made room.
        """
        disks = on_disks(lab)
        if disks.is_disk_broken(self.target):
            await disks.kill(self.target)
            await disks.mend_disk(self.target)
        await super().heal(lab)

    async def prove_healed(self, lab: Lab) -> str:
        """Write where the server writes, and see it answer a direct request."""
        if code := write_a_block(on_disks(lab).disk(self.target)):
            raise FaultError(f"the disk of {self.target} still refuses: {os.strerror(code)}")
        return f"its disk takes writes; {await super().prove_healed(lab)}"


class DiskFull(DiskFault):
    """There is no space left on the disk."""

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"disk-full {self.target}"

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do."""
        return frozenset({Capability.FILL_DISK, Capability.KILL, Capability.RESTART})

    @property
    def refusal(self) -> int:
        """No space left on device."""
        return errno.ENOSPC

    async def inject(self, lab: Lab) -> None:
        """Fill it."""
        await on_disks(lab).fill_disk(self.target)


class ReadOnlyDisk(DiskFault):
    """The file system gave up, as it does when its disk fails: it can be read, and no more.

    What the server wrote and did not sync is lost, as when the power fails.
    """

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"read-only-disk {self.target}"

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do."""
        return frozenset({Capability.FREEZE_DISK, Capability.KILL, Capability.RESTART})

    @property
    def refusal(self) -> int:
        """Read-only file system."""
        return errno.EROFS

    async def inject(self, lab: Lab) -> None:
        """Make it read-only."""
        await on_disks(lab).freeze_disk(self.target)


def on_disks(lab: Lab) -> OnDisks:
    """Return the lab as one with disks to break; raises `UnsupportedFaultError`."""
    if not isinstance(lab, OnDisks):
        raise UnsupportedFaultError(
            f"lab {lab.name} has no disks to break: choose another lab or scenario"
        )
    return lab


def write_a_block(directory: Path) -> int:
    """Write a file and remove it; returns the error number, 0 when it went well."""
    path = directory / ".written-by-a-proof"
    try:
        path.write_bytes(bytes(4096))
    except OSError as error:
        return error.errno or errno.EIO
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    return 0
