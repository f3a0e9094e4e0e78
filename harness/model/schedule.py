"""Owns the schedule of a nemesis: which fault begins when and lasts how long, as a file too."""

from pathlib import Path

import msgspec

from harness.errors import UsageError


class ScheduledFault(msgspec.Struct, frozen=True, kw_only=True):
    """A fault by name, from `at_seconds` after the beginning of its phase."""

    fault: str
    at_seconds: float
    seconds: float


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """What a nemesis does in `seconds`; `seed` says what it was made from."""

    seed: int
    seconds: float
    faults: tuple[ScheduledFault, ...]


def read_schedule(path: Path) -> Schedule:
    """Read a schedule; raises `UsageError` that says what is wrong with the file."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Schedule)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"{path} is no schedule: {error}") from error
