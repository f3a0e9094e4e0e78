"""Owns what a scenario is: a promise, its phases, faults and limits; and one made of a schedule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import UsageError
from harness.faults.base import Fault, needs_of, refuse_unsupported
from harness.faults.registry import fault_named
from harness.labs.base import Lab, Need
from harness.model.history import Limits
from harness.model.schedule import Schedule, ScheduledFault
from harness.runner.composition import refuse_hiding
from harness.triggers.base import Trigger
from harness.triggers.registry import trigger_named


@dataclass(frozen=True)
class Disruption:
    """A fault, from `at_seconds` after the beginning of its phase; healed when its time is over.

    With a trigger, its event is awaited from then on, and the fault injected that much after it.
    """

    fault: Fault
    at_seconds: float
    seconds: float
    trigger: Trigger | None = None
    offset_milliseconds: int = 0


@dataclass(frozen=True)
class Phase:
    """A stretch of the run, and what is broken in it; it ends when all of that is healed.

    With `until_converged` it also lasts until all instances were seen to agree.
    """

    name: str
    seconds: float
    disruptions: tuple[Disruption, ...] = ()
    until_converged: bool = False


@dataclass(frozen=True)
class Scenario:
    """A promise, and what is done to refute it; clients work through all phases.

    `lb_environment` holds settings that make the promise harder to keep; a load balancer that does
    not know them has to keep it all the same. `other_needs` is what tests ask of the lab besides.
    """

    name: str
    use_case: str
    promise: str
    phases: tuple[Phase, ...]
    limits: Limits = field(default_factory=Limits)
    schedule: Schedule | None = None
    lb_environment: Mapping[str, str] = field(default_factory=dict)
    other_needs: frozenset[Need] = frozenset()

    @property
    def plan(self) -> list[tuple[str, float]]:
        """The phases by their names, and how long each is planned to last."""
        return [(phase.name, phase.seconds) for phase in self.phases]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults in the order in which they are injected."""
        return tuple(each.fault for phase in self.phases for each in phase.disruptions)

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """The events that faults wait for."""
        planned = (each for phase in self.phases for each in phase.disruptions)
        return tuple(each.trigger for each in planned if each.trigger is not None)

    @property
    def needs(self) -> frozenset[Need]:
        """What it asks of a lab, which is started for it."""
        of_triggers = (trigger.needs for trigger in self.triggers)
        return needs_of(self.faults).union(self.other_needs, *of_triggers)

    async def refuse_unsupported(self, lab: Lab) -> None:
        """Raise `UnsupportedFaultError` when the lab, which is up, cannot do all of it."""
        for fault in self.faults:
            refuse_unsupported(fault, lab)
        for trigger in self.triggers:
            await trigger.refuse_unsupported(lab)


def throughout(name: str, seconds: float, fault: Fault) -> Phase:
    """Make a phase with one fault, from its beginning to its end."""
    return Phase(name, seconds, (Disruption(fault, 0.0, seconds),))


RANDOM = "random"
"""The word for a schedule that is made from the seed."""

_LIMITS_OF_CHAOS = Limits(failed_operations=None, gap_seconds=None, converge_seconds=30.0)


def disruptions_of(faults: Sequence[ScheduledFault]) -> tuple[Disruption, ...]:
    """Make faults of their words; raises `UsageError` for two that would hide one another."""
    refuse_hiding(faults)
    return tuple(
        Disruption(
            fault_named(each.fault),
            each.at_seconds,
            each.seconds,
            trigger_named(each.trigger) if each.trigger else None,
            each.offset_milliseconds,
        )
        for each in faults
    )


def scheduled(schedule: Schedule) -> Scenario:
    """Make the scenario of a schedule: clients may see errors, but nothing else may go wrong."""
    disruptions = disruptions_of(schedule.faults)
    return Scenario(
        name="scheduled",
        use_case="Faults that overlap and follow one another",
        promise=(
            "Whatever of the schedule happens, nothing acknowledged is lost, nothing deleted "
            "returns, and both instances hold identical data within 30 s of the last healing."
        ),
        phases=(
            Phase("baseline", 3.0),
            Phase("chaos", schedule.seconds, disruptions),
            Phase("recovery", 5.0),
        ),
        limits=schedule.limits or _LIMITS_OF_CHAOS,
        schedule=schedule,
        lb_environment=_settings_of(schedule),
    )


def _settings_of(schedule: Schedule) -> Mapping[str, str]:
    """Read the settings; raises `UsageError` for what is none."""
    if wrong := [words for words in schedule.lb_environment if "=" not in words]:
        raise UsageError(
            f"lb_environment of a schedule has settings like LOG_MAX_ENTRIES=20, not {wrong[0]!r}"
        )
    pairs = (words.partition("=") for words in schedule.lb_environment)
    return {name: value for name, _, value in pairs}


def schedule_of(scenario: Scenario, seed: int) -> Schedule:
    """Give what is done in a scenario as a schedule, so that it can be repeated and changed."""
    if scenario.schedule is not None:
        return scenario.schedule
    faults: list[ScheduledFault] = []
    began_seconds = 0.0
    for phase in scenario.phases:
        faults += (
            ScheduledFault(
                fault=each.fault.name,
                at_seconds=began_seconds + each.at_seconds,
                seconds=each.seconds,
                trigger=each.trigger.name if each.trigger else "",
                offset_milliseconds=each.offset_milliseconds,
            )
            for each in phase.disruptions
        )
        began_seconds += phase.seconds
    return Schedule(
        seed=seed,
        seconds=began_seconds,
        faults=tuple(faults),
        limits=scenario.limits,
        lb_environment=tuple(f"{name}={value}" for name, value in scenario.lb_environment.items()),
    )
