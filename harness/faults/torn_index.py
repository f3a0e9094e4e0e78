"""Owns the fault that a server is killed and comes back with torn indexes, as kills sometimes do.

Chroma 1.5.9 does not save an index at once: a kill meanwhile may leave a part of a file
(https://github.com/chroma-core/chroma/issues/7678). Here each file is cut in two.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import FaultError
from harness.faults import proof
from harness.faults.disk import on_disks
from harness.faults.kill import Kill
from harness.labs.base import Capability, Lab
from harness.polling import poll_until

_HEADER, _METADATA = "header.bin", "index_metadata.pickle"
_HEADER_BYTES = 100
_END_OF_PICKLE = b"."

_IS_WHOLE: Mapping[str, Callable[[bytes], bool]] = {
    # Every write of the collection gets a 500 from then on.
    _METADATA: lambda content: content.endswith(_END_OF_PICKLE),
    # Every `add` of the collection ends the server.
    _HEADER: lambda content: len(content) >= _HEADER_BYTES,
}


@dataclass(frozen=True)
class TornIndex(Kill):
    """SIGKILL, and `file` is cut in two in each index that the server has saved.

    The healing only starts the server again: what is torn stays torn, unless somebody replaces it.
    """

    file: str = _METADATA

    def __post_init__(self) -> None:
        if self.file not in _IS_WHOLE:
            raise ValueError(f"the files that can be torn are {', '.join(_IS_WHOLE)}")

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"torn-index {self.target} {self.file}"

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do; files can be reached on a disk of its own."""
        return frozenset({Capability.FREEZE_DISK, Capability.KILL, Capability.RESTART})

    async def inject(self, lab: Lab) -> None:
        """Wait until the server has saved an index, kill it, and tear what it has saved."""
        disk = on_disks(lab).disk(self.target)

        async def has_saved() -> bool:
            return bool(_saved_in(disk))

        # Without any the proof of the effect says that nothing is torn.
        with suppress(FaultError):
            await poll_until(has_saved, proof.PROOF_SECONDS, FaultError)
        await super().inject(lab)
        await asyncio.to_thread(_tear_all, disk, self.file)

    async def prove_effect(self, lab: Lab) -> str:
        """See the server gone, and files that cannot be whole."""
        evidence = await super().prove_effect(lab)
        disk = on_disks(lab).disk(self.target)
        torn = await asyncio.to_thread(_count_torn, disk, self.file)
        if not torn:
            raise FaultError(f"no {self.file} of {self.target} was seen to be torn")
        return f"{evidence}; {self.file} is torn in {torn} of its indexes"


def _saved_in(data: Path) -> list[Path]:
    """Find the directories of indexes; Chroma writes this file last when it saves one."""
    return [path.parent for path in data.glob(f"*/{_METADATA}")]


def _tear_all(data: Path, file: str) -> None:
    for directory in _saved_in(data):
        path = directory / file
        content = path.read_bytes()
        half = content[: len(content) // 2]
        path.write_bytes(half.rstrip(_END_OF_PICKLE) if file == _METADATA else half)


def _count_torn(data: Path, file: str) -> int:
    is_whole = _IS_WHOLE[file]
    return sum(not is_whole((each / file).read_bytes()) for each in _saved_in(data))
