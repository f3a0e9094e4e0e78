"""Owns how faults are put together: at once, one after another, flapping; and what may not be.

In words: `kill primary`, `latency postgres 500 at 2 for 5`, `kill replica for 1 every 2.5 times 4`.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from harness.errors import UsageError
from harness.faults.base import Fault
from harness.faults.registry import fault_named
from harness.labs.base import Capability
from harness.model.schedule import Schedule, ScheduledFault

_WORDS = ("at", "for", "every", "times")
_OF_THE_NETWORK = frozenset({Capability.CUT, Capability.DEGRADE, Capability.DISCONNECT})
# Milliseconds are fine enough, and sums of decimal fractions stay readable.
_DIGITS = 3


def composed(faults_in_words: Sequence[str], seed: int, seconds: float) -> Schedule:
    """Make a schedule of `seconds`; raises `UsageError` that says which words are wrong."""
    faults = [fault for words in faults_in_words for fault in _in_time(words, seconds)]
    faults.sort(key=lambda fault: fault.at_seconds)
    return Schedule(seed=seed, seconds=seconds, faults=tuple(faults))


def flapping(
    fault: str, at_seconds: float, on_seconds: float, every_seconds: float, times: int
) -> tuple[ScheduledFault, ...]:
    """Give a fault that comes and goes: `on_seconds` long, `times` times, each `every_seconds`."""
    return tuple(
        ScheduledFault(
            fault=fault,
            at_seconds=round(at_seconds + n * every_seconds, _DIGITS),
            seconds=on_seconds,
        )
        for n in range(times)
    )


def refuse_hiding(faults: Sequence[ScheduledFault]) -> None:
    """Raise `UsageError` for two faults of which one would hide the effect of the other."""
    for one, other in _overlapping(faults):
        if _hide(fault_named(one.fault), fault_named(other.fault)):
            raise UsageError(
                f"{_when(one)} and {_when(other)} would hide one another, and no proof could tell "
                "them apart: let one begin when the other is over, or choose another server"
            )


class _Times(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"for_": "for"}):
    """The words after a fault, each of which is followed by a number."""

    at: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    for_: Annotated[float, msgspec.Meta(gt=0.0)] | None = None
    every: Annotated[float, msgspec.Meta(gt=0.0)] | None = None
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None


def _in_time(words: str, seconds: float) -> tuple[ScheduledFault, ...]:
    """Read one fault with its times; by default it lasts from the beginning to the end."""
    fault, times = _split(words)
    left_seconds = round(seconds - times.at, _DIGITS)
    if times.every is None and times.times is None:
        on_seconds, every_seconds, count = times.for_ or left_seconds, 0.0, 1
    elif times.every is None or times.for_ is None or times.for_ >= times.every:
        raise UsageError(
            f"fault {words!r}: one that comes and goes has a `for`, and an `every` that is longer"
        )
    else:
        on_seconds, every_seconds = times.for_, times.every
        fitting = int((left_seconds - on_seconds) / every_seconds + 1e-9) + 1
        count = times.times or max(1, fitting)
    if on_seconds <= 0.0 or (count - 1) * every_seconds + on_seconds > left_seconds + 1e-9:
        raise UsageError(
            f"fault {words!r} does not begin and end within the {seconds:g} s of --seconds"
        )
    return flapping(fault, times.at, on_seconds, every_seconds, count)


def _split(words: str) -> tuple[str, _Times]:
    """Part a fault from its times."""
    parts = words.split()
    begin = next((n for n, part in enumerate(parts) if part in _WORDS), len(parts))
    names, numbers = parts[begin::2], parts[begin + 1 :: 2]
    fault = fault_named(" ".join(parts[:begin])).name
    try:
        times = msgspec.convert(_pairs(names, numbers), _Times, strict=False)
    except ValueError as error:
        raise UsageError(
            f"fault {words!r}: {error}. After the fault come times, as in `at 2 for 5` or "
            "`at 2 for 1 every 2.5 times 4`"
        ) from error
    return fault, times


def _pairs(names: Sequence[str], numbers: Sequence[str]) -> dict[str, str]:
    if len(numbers) != len(names) or len(set(names)) != len(names):
        raise ValueError("each word is followed by a number, and is there once")
    if not all(math.isfinite(float(number)) for number in numbers):
        raise ValueError("a number is finite")
    return dict(zip(names, numbers, strict=True))


def _hide(one: Fault, other: Fault) -> bool:
    """Tell whether one covers what the other does, on the same server or on the proxy of all."""
    proxied = {fault.target for fault in (one, other) if fault.needs & _OF_THE_NETWORK}
    targets = {one.target, other.target}
    return len(targets) == 1 or ("toxiproxy" in targets and bool(proxied))


def _overlapping(
    faults: Sequence[ScheduledFault],
) -> Iterator[tuple[ScheduledFault, ScheduledFault]]:
    """Give each pair that is up at the same time, in a time that does not grow with the square."""
    ordered = sorted(faults, key=lambda fault: fault.at_seconds)
    for n, one in enumerate(ordered):
        for other in map(ordered.__getitem__, range(n + 1, len(ordered))):
            if other.at_seconds >= one.at_seconds + one.seconds:
                break
            yield one, other


def _when(fault: ScheduledFault) -> str:
    return f"{fault.fault} ({fault.at_seconds:g} to {fault.at_seconds + fault.seconds:g} s)"
