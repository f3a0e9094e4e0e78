"""Owns the scenario of a sweep: one fault again and again, each time later after an event."""

from collections.abc import Sequence

from harness.errors import UsageError
from harness.faults.registry import fault_named
from harness.model.history import Limits
from harness.model.schedule import Schedule, ScheduledFault
from harness.runner.scenario import Disruption, Phase, Scenario
from harness.triggers.registry import trigger_named

_LEAD_SECONDS = 0.5
_LONGEST_MILLISECONDS = 60_000
# What an event, a healing and the convergence after it may take when the sweep is repeated as a
# schedule, which does not wait for convergence.
_SPACING_SECONDS = 20.0


def sweep(fault: str, event: str, offsets: Sequence[int], seconds: float, seed: int) -> Scenario:
    """Make a phase for each offset in milliseconds; each waits until all instances agree again.

    Raises `UsageError` when a word is unknown or an offset makes no sense.
    """
    if not offsets or any(not 0 <= offset <= _LONGEST_MILLISECONDS for offset in offsets):
        raise UsageError(
            f"offsets are milliseconds from 0 to {_LONGEST_MILLISECONDS}, such as 0,1,2,5,10,50"
        )
    trigger = trigger_named(event)
    phases = tuple(
        Phase(
            f"{offset} ms",
            _LEAD_SECONDS + seconds,
            (Disruption(fault_named(fault), _LEAD_SECONDS, seconds, trigger, offset),),
            until_converged=True,
        )
        for offset in offsets
    )
    return Scenario(
        name="sweep",
        use_case="Use case 5, the timing gap",
        promise=(
            f"However soon `{fault}` comes after `{event}`, nothing acknowledged is lost, nothing "
            "deleted returns, and all instances agree again within 30 s."
        ),
        phases=(Phase("baseline", 3.0), *phases, Phase("recovery", 3.0)),
        limits=Limits(failed_operations=None, gap_seconds=None, converge_seconds=30.0),
        schedule=_schedule(fault, event, offsets, seconds, seed),
    )


def _schedule(
    fault: str, event: str, offsets: Sequence[int], seconds: float, seed: int
) -> Schedule:
    spacing_seconds = seconds + _SPACING_SECONDS
    faults = tuple(
        ScheduledFault(
            fault=fault,
            at_seconds=number * spacing_seconds,
            seconds=seconds,
            trigger=event,
            offset_milliseconds=offset,
        )
        for number, offset in enumerate(offsets)
    )
    return Schedule(seed=seed, seconds=len(offsets) * spacing_seconds, faults=faults)
