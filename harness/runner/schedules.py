"""Owns where schedules come from: a seed, or a file. The same seed gives the same schedule."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, takewhile
from pathlib import Path

import msgspec

from harness.errors import UsageError
from harness.model.schedule import Schedule, ScheduledFault

_INSTANCES = ("primary", "replica")
_EXCLUSIVE = frozenset({"postgres", "lb"})
_SHORTEST_SECONDS = 1.0
_LONGEST_SECONDS = 8.0
_PAUSE_SECONDS = 4.0


_RUINOUS = frozenset({"disk-full", "read-only-disk"})
"""After these a Chroma server may never be able to use an index again that it could not save.

They hit one instance of a schedule: where both copies are ruined, what two servers hold is lost.
"""

_SERVERS = frozenset({*_INSTANCES, "postgres"})
_WITH_LB = _SERVERS | {"lb"}


@dataclass(frozen=True)
class Chance:
    """How often a kind of fault comes, with which numbers, and whom it may hit."""

    weight: float
    numbers: tuple[str, ...] = ("",)
    targets: frozenset[str] = _SERVERS


CHANCES: Mapping[str, Chance] = {
    "kill": Chance(2.0, targets=_WITH_LB),
    "pause": Chance(2.0, targets=_WITH_LB),
    "cut": Chance(1.0),
    "black-hole": Chance(1.0),
    "half-open": Chance(1.0),
    "reset": Chance(1.0),
    "latency": Chance(1.0, ("2000", "1000 300", "400")),
    "bandwidth": Chance(1.0, ("8", "64")),
    "limited-data": Chance(1.0, ("8",)),
    "slow-close": Chance(1.0, ("1000",)),
}
"""What every machine can do, with the lab that every run has."""

OF_A_PREPARED_LAB: Mapping[str, Chance] = {
    **{kind: replace(chance, targets=_WITH_LB) for kind, chance in CHANCES.items()},
    "stop": Chance(1.0, targets=_WITH_LB),
    "restart": Chance(1.0, targets=_WITH_LB),
    "disk-full": Chance(0.5, targets=frozenset(_INSTANCES)),
    "read-only-disk": Chance(0.5, targets=frozenset(_INSTANCES)),
    "memory-limit": Chance(0.5, ("4", "64"), frozenset(_INSTANCES)),
    "cpu-limit": Chance(0.5, ("10", "20"), _WITH_LB),
    "disconnect": Chance(0.5),
    "clock-shift": Chance(0.5, ("3600", "-3600"), _WITH_LB),
    "rolling-deploy": Chance(0.5, targets=frozenset({"lb"})),
    "second-lb": Chance(0.5, targets=frozenset({"lb"})),
    "failpoint": Chance(0.5, ("before-commit", "after-append"), frozenset({"lb"})),
}
"""What takes a lab that was started for it: root, libfaketime, a load balancer of our own."""


def random_schedule(seed: int, seconds: float, chances: Mapping[str, Chance] = CHANCES) -> Schedule:
    """Make a schedule in which faults overlap, follow one another, and hit every server.

    No server has two faults at once, because one would hide the effect of the other; the lb and
    PostgreSQL are not disturbed together, because the lb cannot come back without it; and what may
    ruin a copy for good comes to one instance only.
    """
    source = random.Random(f"schedule {seed}")  # noqa: S311 (reproducible on purpose)
    spared = _drawn(f"schedule {seed} spared", dict.fromkeys(_INSTANCES, 1.0))
    faults: list[ScheduledFault] = []
    at_seconds = 0.0
    for place in count():
        at_seconds += source.uniform(0.0, _PAUSE_SECONDS)
        lasts = source.uniform(_SHORTEST_SECONDS, _LONGEST_SECONDS)
        if at_seconds + lasts > seconds:
            break
        free = _free_targets(faults, at_seconds)
        if free := [target for target in free if _may_hit(target, chances, spared)]:
            words = _fault(f"schedule {seed} {place}", free, chances, spared)
            begins, lasts = round(at_seconds, 3), round(lasts, 3)
            faults.append(ScheduledFault(fault=words, at_seconds=begins, seconds=lasts))
    return Schedule(seed=seed, seconds=seconds, faults=tuple(faults))


def _free_targets(faults: Sequence[ScheduledFault], at_seconds: float) -> list[str]:
    """Name the targets that may be disturbed then; a healing takes some seconds, too."""
    over_for_sure = at_seconds - _LONGEST_SECONDS - _PAUSE_SECONDS
    recent = takewhile(lambda fault: fault.at_seconds > over_for_sure, reversed(faults))
    disturbed = {
        fault.fault.split()[1]
        for fault in recent
        if fault.at_seconds + fault.seconds + _PAUSE_SECONDS > at_seconds
    }
    targets = [name for name in _INSTANCES if name not in disturbed]
    if not disturbed & _EXCLUSIVE and len(disturbed) < len(_INSTANCES):
        targets += sorted(_EXCLUSIVE)
    return targets


def _fault(place: str, targets: Sequence[str], chances: Mapping[str, Chance], spared: str) -> str:
    target = _drawn(f"{place} target", dict.fromkeys(targets, 1.0))
    kind = _drawn(f"{place} kind", _may_hit(target, chances, spared))
    numbers = _drawn(f"{place} {kind}", dict.fromkeys(chances[kind].numbers, 1.0))
    return f"{kind} {target} {numbers}".rstrip()


def _may_hit(target: str, chances: Mapping[str, Chance], spared: str) -> dict[str, float]:
    """Give the kinds of faults that the target may have, with their weights."""
    return {
        kind: chance.weight
        for kind, chance in chances.items()
        if target in chance.targets and not (kind in _RUINOUS and target == spared)
    }


def _drawn(place: str, weights: Mapping[str, float]) -> str:
    """Draw a word by its weight: each has a lot of its own, and the lowest wins.

    So a word that is added later changes those draws only that it wins, and a seed means nearly
    what it meant before.
    """

    def lot(word: str) -> float:
        source = random.Random(f"{place} {word}")  # noqa: S311 (reproducible on purpose)
        return source.expovariate(weights[word])

    return min(weights, key=lot)


def read_schedule(path: Path) -> Schedule:
    """Read a schedule; raises `UsageError` that says what is wrong with the file."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Schedule)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"{path} is no schedule: {error}") from error
