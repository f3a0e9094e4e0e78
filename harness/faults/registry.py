"""Owns the words that name faults: `kill primary`, `latency replica 2000 500`."""

from collections.abc import Callable, Mapping

from harness.errors import UsageError
from harness.faults.bandwidth import Bandwidth
from harness.faults.base import Fault
from harness.faults.black_hole import BlackHole, HalfOpen
from harness.faults.cut import Cut
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.faults.limited_data import LimitedData
from harness.faults.pause import Pause
from harness.faults.reset import Reset
from harness.faults.slow_close import SlowClose

OF_PROCESSES: Mapping[str, Callable[..., Fault]] = {"kill": Kill, "pause": Pause}
OF_THE_NETWORK: Mapping[str, Callable[..., Fault]] = {
    "cut": Cut,
    "black-hole": BlackHole,
    "half-open": HalfOpen,
    "reset": Reset,
    "latency": Latency,
    "bandwidth": Bandwidth,
    "limited-data": LimitedData,
    "slow-close": SlowClose,
}
FAULTS: Mapping[str, Callable[..., Fault]] = {**OF_PROCESSES, **OF_THE_NETWORK}


def fault_named(words: str) -> Fault:
    """Make the fault that the words name: its kind, its target, and whole numbers if it has any.

    It is the inverse of `Fault.name`. Raises `UsageError` that says what is possible.
    """
    kind, *rest = words.split() or [""]
    if kind not in FAULTS:
        raise UsageError(f"there is no fault {kind!r}; the faults are {', '.join(FAULTS)}")
    if not rest:
        raise UsageError(f"fault {kind} needs a target, as in `{kind} primary`")
    try:
        numbers = [int(number) for number in rest[1:]]
        fault = FAULTS[kind](rest[0], *numbers)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"fault {words!r} has numbers that {kind} does not take: {error}"
        ) from error
    # What could not be told from a healthy network is refused here, not found out in the run.
    if any(number < 1 for number in numbers) or (len(numbers) > 1 and numbers[1] >= numbers[0]):
        raise UsageError(f"fault {words!r}: numbers are above 0, and a jitter below its latency")
    return fault
