from collections.abc import Sequence

import pytest

from lb.log_reader import READ_BYTES, LogReader
from lb.model import Entry
from tests.unit.lb.stand_ins import an_entry

MB = 1 << 20


class CountingReader(LogReader):
    """Reads bodies that are in memory, and notes how many it is asked for at a time."""

    def __init__(self) -> None:
        super().__init__(None)
        self.pieces: list[int] = []

    async def bodies(self, entries: Sequence[Entry]) -> list[bytes]:
        self.pieces.append(len(entries))
        return await super().bodies(entries)


@pytest.mark.parametrize(
    ("sizes", "pieces"),
    [((), []), ((1,) * 9, [9]), ((2 * MB,) * 5, [2, 2, 1]), ((1, 40 * MB, 1, 1), [1, 1, 2])],
)
async def test_bodies_are_read_a_few_megabytes_at_a_time(
    sizes: tuple[int, ...], pieces: list[int]
) -> None:
    reader, entries = CountingReader(), [an_entry(n) for n in range(len(sizes))]
    for entry, size in zip(entries, sizes, strict=True):
        entry.body, entry.body_bytes = str(entry.position).encode(), size

    read = [pair async for pair in reader.each_body(entries)]

    assert read == [(entry, str(entry.position).encode()) for entry in entries]
    assert reader.pieces == pieces
    assert READ_BYTES == 4 * MB
