"""Owns the words that name faults: `kill primary`, `latency replica 2000 500`."""

from collections.abc import Callable, Mapping

from harness.errors import UsageError
from harness.faults.bandwidth import Bandwidth
from harness.faults.base import Fault
from harness.faults.black_hole import BlackHole, HalfOpen
from harness.faults.clock import ClockShift
from harness.faults.cpu import CpuLimit
from harness.faults.cut import Cut
from harness.faults.disconnect import Disconnect
from harness.faults.disk import DiskFull, ReadOnlyDisk
from harness.faults.drop_answer import DropAnswers
from harness.faults.errors import Errors
from harness.faults.fail_first import FailFirst
from harness.faults.failpoint import FailpointCrash
from harness.faults.force_down import ForceDown
from harness.faults.hold import HoldRequests
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.faults.limited_data import LimitedData
from harness.faults.memory import MemoryLimit
from harness.faults.pause import Pause
from harness.faults.reset import Reset
from harness.faults.restart import Restart
from harness.faults.slow_close import SlowClose
from harness.faults.stop import Stop
from harness.faults.torn_index import TornIndex
from harness.faults.two_lbs import RollingDeploy, SecondLb
from harness.http_proxy.rules import What

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
OF_HTTP: Mapping[str, Callable[..., Fault]] = {
    "errors": Errors,
    "fail-first": FailFirst,
    "drop-answer": DropAnswers,
    "hold": HoldRequests,
}
OF_THE_LAB: Mapping[str, Callable[..., Fault]] = {
    "stop": Stop,
    "restart": Restart,
    "disk-full": DiskFull,
    "read-only-disk": ReadOnlyDisk,
    "memory-limit": MemoryLimit,
    "cpu-limit": CpuLimit,
    "disconnect": Disconnect,
    "clock-shift": ClockShift,
    "rolling-deploy": RollingDeploy,
    "second-lb": SecondLb,
    "failpoint": FailpointCrash,
}
# Chance cannot draw it: it takes a server that has saved an index by then.
OF_SAVED_INDEXES: Mapping[str, Callable[..., Fault]] = {"torn-index": TornIndex}
OF_ADMINISTRATORS: Mapping[str, Callable[..., Fault]] = {"force-down": ForceDown}
FAULTS: Mapping[str, Callable[..., Fault]] = {
    **OF_PROCESSES,
    **OF_THE_NETWORK,
    **OF_HTTP,
    **OF_THE_LAB,
    **OF_SAVED_INDEXES,
    **OF_ADMINISTRATORS,
}
# What is said after the target is no number for the first, and may be below 0 for the second.
_NAMING = frozenset({"failpoint", "torn-index"})
_SIGNED = frozenset({"clock-shift"})


def fault_named(words: str) -> Fault:
    """Make the fault that the words name: its kind, its target, and numbers if it has any.

    Numbers are whole; a failpoint has the name of a step instead, a torn index that of a file. It
    is the inverse of `Fault.name`. Raises `UsageError` that says what is possible.
    """
    kind, *rest = words.split() or [""]
    if kind not in FAULTS:
        raise UsageError(f"there is no fault {kind!r}; the faults are {', '.join(FAULTS)}")
    if not rest:
        raise UsageError(f"fault {kind} needs a target, as in `{kind} primary`")
    if kind in OF_HTTP:
        return _of_http(kind, rest[0], rest[1:])
    try:
        numbers = [] if kind in _NAMING else [int(number) for number in rest[1:]]
        fault = FAULTS[kind](rest[0], *(numbers or rest[1:]))
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"fault {words!r} has {'words' if kind in _NAMING else 'numbers'} that {kind} does not "
            f"take: {error}"
        ) from error
    if kind in _SIGNED:
        return fault
    # What could not be told from a healthy network is refused here, not found out in the run.
    if any(number < 1 for number in numbers) or (len(numbers) > 1 and numbers[1] >= numbers[0]):
        raise UsageError(f"fault {words!r}: numbers are above 0, and a jitter below its latency")
    return fault


def _of_http(kind: str, target: str, words: list[str]) -> Fault:
    """Make a fault of single requests: numbers, then a word for the requests that are meant."""
    kinds = {what.value: what for what in What}
    meant = {"what": kinds[words.pop()]} if words and words[-1] in kinds else {}
    try:
        return OF_HTTP[kind](target, *(int(number) for number in words), **meant)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"fault {kind} {target} does not take {' '.join(words)!r}: {error}; the requests that "
            f"can be meant are {', '.join(kinds)}"
        ) from error
