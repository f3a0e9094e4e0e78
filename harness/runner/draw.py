"""Owns which faults chance may draw in a lab: those that it can do, and why not the others."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from harness.errors import UnsupportedFaultError
from harness.faults.base import Fault, needs_of
from harness.faults.registry import fault_named
from harness.labs.abilities import Particular
from harness.labs.base import Lab, Need
from harness.runner.schedules import Chance


@dataclass(frozen=True)
class Draw:
    """The faults that can be drawn, and those that were left out, each with its reason."""

    chances: Mapping[str, Chance]
    left_out: Mapping[str, str]

    def __str__(self) -> str:
        by_reason: dict[str, list[str]] = {}
        for fault, reason in self.left_out.items():
            by_reason.setdefault(reason, []).append(fault)
        return "; ".join(f"{', '.join(faults)} ({reason})" for reason, faults in by_reason.items())


def draw_for(chances: Mapping[str, Chance], make_lab: Callable[[frozenset[Need]], Lab]) -> Draw:
    """Ask a lab that would be started for all of them; raises `UnsupportedFaultError` for none."""
    lab = make_lab(needs_of(_all(chances)))
    possible: dict[str, Chance] = {}
    left_out: dict[str, str] = {}
    for kind, chance in chances.items():
        reasons = {target: _why_not(lab, _fault(kind, target)) for target in sorted(chance.targets)}
        targets = frozenset(target for target, reason in reasons.items() if not reason)
        if targets:
            possible[kind] = replace(chance, targets=targets)
            left_out |= {f"{kind} {target}": why for target, why in reasons.items() if why}
        else:
            left_out[kind] = next(iter(reasons.values()))
    draw = Draw(possible, left_out)
    if not possible:
        raise UnsupportedFaultError(f"lab {lab.name} can do none of the faults by chance: {draw}")
    return draw


def _all(chances: Mapping[str, Chance]) -> Iterator[Fault]:
    for kind, chance in chances.items():
        for target in chance.targets:
            yield _fault(kind, target)


def _fault(kind: str, target: str) -> Fault:
    """Make one with the numbers that it has if none are said; they do not matter here."""
    return fault_named(f"{kind} {target}")


def _why_not(lab: Lab, fault: Fault) -> str:
    """Say why the lab cannot do the fault; nothing when it can."""
    if isinstance(lab, Particular):
        reasons = (lab.why_not(Need(capability, fault.target)) for capability in fault.needs)
        if reason := next(filter(None, reasons), ""):
            return reason
    missing = sorted(fault.needs - lab.capabilities)
    return f"it cannot {', '.join(missing)}" if missing else ""
