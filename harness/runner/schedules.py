"""Owns where schedules come from: a seed, or a file. The same seed gives the same schedule."""

import random
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.errors import UsageError
from harness.faults.registry import OF_PROCESSES, OF_THE_NETWORK
from harness.model.schedule import Schedule, ScheduledFault

_INSTANCES = ("primary", "replica")
_EXCLUSIVE = frozenset({"postgres", "lb"})
_SHORTEST_SECONDS = 1.0
_LONGEST_SECONDS = 8.0
_PAUSE_SECONDS = 4.0
_NUMBERS = {
    "latency": ("2000", "1000 300", "400"),
    "bandwidth": ("8", "64"),
    "limited-data": ("8",),
    "slow-close": ("1000",),
}


def random_schedule(seed: int, seconds: float) -> Schedule:
    """Make a schedule in which faults overlap, follow one another, and hit every server.

    No server has two faults at once, because one would hide the effect of the other; and the lb
    and PostgreSQL are not disturbed together, because the lb cannot come back without it.
    """
    source = random.Random(f"schedule {seed}")  # noqa: S311 (reproducible on purpose)
    faults: list[ScheduledFault] = []
    at_seconds = 0.0
    while True:
        at_seconds += source.uniform(0.0, _PAUSE_SECONDS)
        lasts = source.uniform(_SHORTEST_SECONDS, _LONGEST_SECONDS)
        if at_seconds + lasts > seconds:
            return Schedule(seed=seed, seconds=seconds, faults=tuple(faults))
        free = _free_targets(faults, at_seconds)
        if free:
            words = _fault(source, source.choice(free))
            begins, lasts = round(at_seconds, 3), round(lasts, 3)
            faults.append(ScheduledFault(fault=words, at_seconds=begins, seconds=lasts))


def _free_targets(faults: Sequence[ScheduledFault], at_seconds: float) -> list[str]:
    """Name the targets that may be disturbed then; a healing takes some seconds, too."""
    disturbed = {
        fault.fault.split()[1]
        for fault in faults
        if fault.at_seconds + fault.seconds + _PAUSE_SECONDS > at_seconds
    }
    targets = [name for name in _INSTANCES if name not in disturbed]
    if not disturbed & _EXCLUSIVE and len(disturbed) < len(_INSTANCES):
        targets += sorted(_EXCLUSIVE)
    return targets


def _fault(source: random.Random, target: str) -> str:
    kinds = [*OF_PROCESSES, *(OF_THE_NETWORK if target != "lb" else ())]
    kind = source.choice(kinds)
    numbers = source.choice(_NUMBERS.get(kind, ("",)))
    return f"{kind} {target} {numbers}".rstrip()


def read_schedule(path: Path) -> Schedule:
    """Read a schedule; raises `UsageError` that says what is wrong with the file."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Schedule)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"{path} is no schedule: {error}") from error
