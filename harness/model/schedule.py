"""Owns the schedule of a nemesis: which fault begins when and lasts how long."""

import msgspec


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
