"""Results on disk, and how they stand to the last committed ones."""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench import figure
from bench.figure import Better, Figure

DIRECTORY = Path(__file__).resolve().parent
RESULTS = DIRECTORY / "results.json"
DETAIL = DIRECTORY / "results-detail.json"
LOSS = 0.15
"""A figure that is worse than before by more than this share of it is shown as a loss."""


@dataclass(frozen=True)
class Loss:
    """A figure that became worse."""

    name: str
    before: float
    now: float

    @property
    def share(self) -> float:
        """By how much of what it was; 1.0 is all of it."""
        return abs(self.now - self.before) / abs(self.before)


def losses(before: Sequence[Figure], now: Sequence[Figure]) -> list[Loss]:
    """List the figures that are more than 15 % worse; those that are in one list only are none."""
    known = {each.name: each for each in before}
    return [loss for each in now if (loss := _loss(known.get(each.name), each)) is not None]


def _loss(before: Figure | None, now: Figure) -> Loss | None:
    if before is None or not before.value or now.value is None:
        return None
    change = (now.value - before.value) / abs(before.value)
    worse = -change if now.better is Better.HIGHER else change
    return Loss(now.name, before.value, now.value) if worse > LOSS else None


def committed() -> list[Figure]:
    """Read the results of the last commit; none when there are none, or no git."""
    found = subprocess.run(
        ["git", "show", "HEAD:./results.json"],  # noqa: S607 - whichever git the person uses
        cwd=DIRECTORY,
        capture_output=True,
        check=False,
    )
    try:
        return figure.decode(found.stdout) if found.returncode == 0 else []
    except msgspec.DecodeError:
        return []


def write(figures: list[Figure], detail: dict[str, Any]) -> None:
    """Replace the results, and beside them the machine and the single rounds."""
    RESULTS.write_bytes(figure.encode(figures))
    DETAIL.write_bytes(msgspec.json.format(msgspec.json.encode(detail), indent=2) + b"\n")


def read() -> tuple[list[Figure], dict[str, Any]]:
    """Read what was written last; raises `FileNotFoundError`."""
    detail: dict[str, Any] = msgspec.json.decode(DETAIL.read_bytes()) if DETAIL.exists() else {}
    return figure.decode(RESULTS.read_bytes()), detail


def missed(figures: Sequence[Figure]) -> Iterator[Figure]:
    """Yield the figures that missed their target."""
    return (each for each in figures if each.verdict is figure.Verdict.MISSED)
