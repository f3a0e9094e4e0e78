"""The short runs in which mutants are caught: what is broken when, and what clients may feel.

Also the unmodified load balancer goes through each of them, and must pass all checkers.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from harness.labs.base import Lab
from harness.model.history import Limits
from harness.model.schedule import Schedule, ScheduledFault
from harness.runner.scenario import Phase, Scenario, scheduled
from harness.runner.schedules import random_schedule
from harness.workloads.cms import CmsSettings
from tests.mutants import intruders

BASELINE_SECONDS, RECOVERY_SECONDS = 1.0, 2.0

NO_ERRORS = Limits(failed_operations=0, gap_seconds=3.0, converge_seconds=15.0)
"""Clients feel nothing; wide, because two runs at a time share a machine."""

ANY_ERRORS = Limits(failed_operations=None, gap_seconds=None, converge_seconds=20.0)
"""The load balancer or its log is broken itself: what clients are told may be an error."""

BY_CHANCE = Limits(failed_operations=None, gap_seconds=None, converge_seconds=30.0)
"""What `chroma-chaos run random` promises."""


@dataclass(frozen=True)
class Trial:
    """Faults as (words, from second, for seconds) after a baseline of one second."""

    name: str
    seconds: float
    faults: tuple[tuple[str, float, float], ...] = ()
    limits: Limits = NO_ERRORS
    workload: CmsSettings = field(default_factory=lambda: CmsSettings(operations_per_second=20.0))
    intruder: Callable[[Lab], Awaitable[None]] | None = None

    def scenario(self, seed: int) -> Scenario:
        """Make what the harness runs."""
        faults = tuple(
            ScheduledFault(fault=words, at_seconds=at, seconds=lasts)
            for words, at, lasts in self.faults
        )
        schedule = Schedule(seed=seed, seconds=self.seconds, faults=faults)
        return shortened(scheduled(schedule), self.name, self.limits)


def shortened(scenario: Scenario, name: str, limits: Limits) -> Scenario:
    """Take the scenario of a schedule with a baseline and a recovery that are short."""
    baseline, chaos, recovery = scenario.phases
    phases = (
        Phase(baseline.name, BASELINE_SECONDS),
        chaos,
        Phase(recovery.name, RECOVERY_SECONDS),
    )
    return replace(scenario, name=name, phases=phases, limits=limits)


QUIET = Trial("quiet", 3.0)
PRIMARY_KILLED = Trial("primary-killed", 5.0, (("kill primary", 0.5, 4.0),))
PRIMARY_PAUSED = Trial("primary-paused", 5.0, (("pause primary", 0.5, 4.0),))
PRIMARY_RESET = Trial("primary-reset", 4.0, (("reset primary", 0.5, 3.0),))
REPLICA_NARROW = Trial("replica-narrow", 5.0, (("bandwidth replica 8", 0.5, 4.0),))
RESET_THEN_KILL = Trial(
    "reset-then-kill", 8.0, (("reset primary", 0.5, 2.0), ("kill replica", 4.0, 3.5))
)
LB_KILLED = Trial("lb-killed", 4.0, (("kill lb", 1.0, 1.5),), ANY_ERRORS)
REPLICA_AND_LB_KILLED = Trial(
    "replica-and-lb-killed", 5.0, (("kill replica", 0.2, 4.0), ("kill lb", 2.0, 1.0)), ANY_ERRORS
)
LOG_PAUSED_AND_LB_KILLED = Trial(
    "log-paused-and-lb-killed",
    6.0,
    (("kill replica", 0.2, 5.0), ("pause postgres", 1.0, 3.0), ("kill lb", 2.5, 2.5)),
    ANY_ERRORS,
)
PRIMARY_DEAF_AND_LB_KILLED = Trial(
    "primary-deaf-and-lb-killed",
    6.0,
    (("black-hole primary", 0.5, 2.0), ("kill lb", 1.2, 2.5)),
    ANY_ERRORS,
    # Many lanes: nearly each write in the dark is the last one of its lane.
    CmsSettings(operations_per_second=20.0, collections=16),
)
POISONED = Trial("poisoned", 5.0, intruder=intruders.send_poison)

TRIALS: dict[str, Trial] = {
    trial.name: trial
    for trial in (
        QUIET,
        PRIMARY_KILLED,
        PRIMARY_PAUSED,
        PRIMARY_RESET,
        REPLICA_NARROW,
        RESET_THEN_KILL,
        LB_KILLED,
        REPLICA_AND_LB_KILLED,
        LOG_PAUSED_AND_LB_KILLED,
        PRIMARY_DEAF_AND_LB_KILLED,
        POISONED,
    )
}

CHANCE_SECONDS = 8.0


def trial_by_chance(seed: int) -> Trial:
    """Make a trial with the faults that the seed gives."""
    schedule = random_schedule(seed, CHANCE_SECONDS)
    faults = tuple((each.fault, each.at_seconds, each.seconds) for each in schedule.faults)
    return Trial("by-chance", CHANCE_SECONDS, faults, BY_CHANCE)
