"""Owns the files of one run, under one directory: where each is, and how a run is read back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from harness.errors import RunDirectoryError
from harness.model.final_state import FinalState, read_final_states
from harness.model.history import History, read_history
from harness.model.verdict import Verdict, combine

T = TypeVar("T")


@dataclass(frozen=True)
class RunDirectory:
    """`run.json` says what was run, `history.jsonl` and `final.jsonl` what was seen.

    Nothing in it names the directory itself: it can be moved and judged elsewhere.
    """

    path: Path

    @property
    def history(self) -> Path:
        """Every operation, fault window, milestone and observation."""
        return self.path / "history.jsonl"

    @property
    def final(self) -> Path:
        """What each instance held at the end."""
        return self.path / "final.jsonl"

    @property
    def samples(self) -> Path:
        """Memory and CPU of the servers."""
        return self.path / "samples.jsonl"

    @property
    def schedule(self) -> Path:
        """What the nemesis does, if it has a schedule; it can be given to another run."""
        return self.path / "schedule.json"

    @property
    def verdict(self) -> Path:
        """The verdicts of the checkers."""
        return self.path / "verdict.json"

    @property
    def summary(self) -> Path:
        """The summary for people."""
        return self.path / "summary.txt"

    @property
    def report(self) -> Path:
        """The same and more as a page, with charts and the history itself."""
        return self.path / "report.html"

    @property
    def description(self) -> Path:
        """Seed, scenario, configuration, versions, limits and timings."""
        return self.path / "run.json"

    def create(self) -> None:
        """Make the directory; raises `RunDirectoryError` when a run is in it already."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            taken = any(self.path.iterdir())
        except OSError as error:
            raise RunDirectoryError(
                f"run directory {self.path} cannot be made: {error}; name another with "
                "--run-directory"
            ) from error
        if taken:
            raise RunDirectoryError(
                f"run directory {self.path} is not empty: name another with --run-directory"
            )

    def describe(self, description: dict[str, Any]) -> None:
        """Write `run.json`."""
        write_json(self.description, description)

    def read(self) -> tuple[History, tuple[FinalState, ...]]:
        """Read the run back; raises `RunDirectoryError` when there is none."""
        try:
            return read_history(self.history), read_final_states(self.final)
        except (OSError, ValueError) as error:
            raise RunDirectoryError(
                f"{self.path} does not hold a run that can be judged: {error}"
            ) from error


def default_run_directory(root: Path, scenario: str, seed: int, now: datetime) -> Path:
    """Name the directory of a run by its time, scenario and seed."""
    return root / f"{now:%Y%m%dT%H%M%S}-{scenario}-{seed}"


def read_json(path: Path, kind: type[T], what: str) -> T:
    """Read such a value back; raises `RunDirectoryError` that says `what` is not there."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, ValueError, msgspec.DecodeError, RecursionError) as error:
        raise RunDirectoryError(f"{path.parent} holds no readable {what}: {error}") from error


def write_json(path: Path, value: Any) -> None:
    """Write a value for people and programs to read."""
    path.write_bytes(as_json(value))


def as_json(value: Any) -> bytes:
    """Encode a value for people and programs to read."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def verdict_file(history: History, verdicts: Sequence[Verdict]) -> bytes:
    """Give the content of `verdict.json`: the same bytes for the same verdicts."""
    return as_json(
        {"outcome": combine(verdicts), "limits": history.header.limits, "verdicts": verdicts}
    )
