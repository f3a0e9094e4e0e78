"""Owns what a server process was seen to cost at one moment of a run."""

from pathlib import Path

import msgspec


class CostSample(msgspec.Struct, frozen=True):
    """Memory that is resident then, and processor time since the process began."""

    at_ns: int
    server: str
    rss_bytes: int
    cpu_seconds: float


def read_costs(path: Path) -> tuple[CostSample, ...]:
    """Read the samples of a run; one that ended early may have none, or a torn last line."""
    if not path.exists():
        return ()
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    decoder = msgspec.json.Decoder(CostSample)
    return tuple(decoder.decode(line) for line in whole.splitlines())
