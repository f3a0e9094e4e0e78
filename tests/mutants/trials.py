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
from harness.workloads.registry import WORKLOADS
from harness.workloads.settings import Loop, WorkloadSettings
from scenarios.regressions.pinned import PINNED, Pinned
from tests.mutants import intruders

BASELINE_SECONDS, RECOVERY_SECONDS = 1.0, 2.0

NO_ERRORS = Limits(failed_operations=0, gap_seconds=None, converge_seconds=20.0)
"""Clients see no error. How long they wait is not asked, because two runs share a machine."""

ANY_ERRORS = Limits(failed_operations=None, gap_seconds=None, converge_seconds=20.0)
"""The load balancer or its log is broken itself: what clients are told may be an error."""

BY_CHANCE = Limits(failed_operations=None, gap_seconds=None, converge_seconds=30.0)
"""What `chroma-chaos run random` promises."""

MANY_LANES = WorkloadSettings(operations_per_second=20.0, collections=16)
"""An instance that does not answer has one entry of each lane; of many lanes it is the last one."""

BUSY_LANES = WorkloadSettings(operations_per_second=30.0, collections=40)
"""So many lanes that hardly two reads in a row are of the same one."""


def workload(name: str) -> WorkloadSettings:
    """Choose another workload than the CMS, at a rate at which its operations meet."""
    return WorkloadSettings(name=name, operations_per_second=40.0)


@dataclass(frozen=True)
class Trial:
    """Faults as (words, from second, for seconds) after a baseline of one second."""

    name: str
    seconds: float
    faults: tuple[tuple[str, float, float], ...] = ()
    limits: Limits = NO_ERRORS
    workload: WorkloadSettings = field(
        default_factory=lambda: WorkloadSettings(operations_per_second=20.0)
    )
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


CROWD = WorkloadSettings(clients=12, collections=1, loop=Loop.CLOSED)
"""So many clients of one collection that their writes wait for one another, and are merged."""

QUIET = Trial("quiet", 3.0)
PRIMARY_KILLED = Trial("primary-killed", 5.0, (("kill primary", 0.5, 4.0),))
# Longer than a client waits for an answer: whoever waits for the primary fails.
PRIMARY_AWAY = Trial("primary-away", 12.0, (("kill primary", 0.5, 11.0),))
PRIMARY_PAUSED = Trial("primary-paused", 12.0, (("pause primary", 0.5, 11.0),))
READS_LOSE_ANSWERS = Trial(
    "reads-lose-answers",
    5.0,
    (("drop-answer primary 3 query", 0.5, 2.0),),
    workload=workload("cms"),
)
PRIMARY_DEAF = Trial("primary-deaf", 5.0, (("black-hole primary", 0.5, 3.0),), workload=MANY_LANES)
REPLICA_NARROW = Trial(
    "replica-narrow", 5.0, (("bandwidth replica 8", 0.5, 4.0),), workload=BUSY_LANES
)
RESET_THEN_KILL = Trial(
    "reset-then-kill", 14.0, (("reset primary", 0.3, 1.0), ("kill replica", 2.5, 11.0))
)
LB_KILLED = Trial("lb-killed", 4.0, (("kill lb", 1.0, 1.5),), ANY_ERRORS, MANY_LANES)
REPLICA_AND_LB_KILLED = Trial(
    "replica-and-lb-killed", 5.0, (("kill replica", 0.2, 4.0), ("kill lb", 2.0, 1.0)), ANY_ERRORS
)
SLOW_LOG_AND_LB_KILLED = Trial(
    "slow-log-and-lb-killed",
    6.0,
    # The replica goes when commits are slow, so that lanes have no backlog there that is logged:
    # what is known to be in doubt is compared and repaired after the restart.
    (("latency postgres 400", 0.3, 4.0), ("kill replica", 0.8, 4.0), ("kill lb", 2.0, 3.0)),
    ANY_ERRORS,
    MANY_LANES,
)
PRIMARY_DEAF_AND_LB_KILLED = Trial(
    "primary-deaf-and-lb-killed",
    6.0,
    (("black-hole primary", 0.5, 2.0), ("kill lb", 1.2, 2.5)),
    ANY_ERRORS,
    MANY_LANES,
)
POISONED = Trial("poisoned", 5.0, intruder=intruders.send_poison)
REQUEST_HELD = Trial("request-held", 6.0, (("hold primary 4 3 writes", 0.5, 5.0),))
# Held until long after it was given up: by then others have been applied in its place.
REQUEST_HELD_LONG = Trial("request-held-long", 12.0, (("hold primary 10", 0.5, 11.0),))
BUSY = Trial("busy", 5.0, workload=workload("cms"))
SAME_DOCUMENTS = Trial("same-documents", 5.0, workload=workload("register"))
WHOLE_SETS = Trial("whole-sets", 3.0, workload=workload("set"))
COLLECTIONS_COME_AND_GO = Trial("collections-come-and-go", 4.0, workload=workload("lifecycle"))
COLLECTIONS_GO_MEANWHILE = Trial(
    "collections-go-meanwhile",
    6.0,
    (("kill replica", 0.2, 5.0), ("kill lb", 3.0, 1.0)),
    ANY_ERRORS,
    workload("lifecycle"),
)
CROWDED = Trial("crowded", 4.0, workload=CROWD)
CROWDED_AND_REFUSED = Trial(
    "crowded-and-refused", 4.0, workload=CROWD, intruder=intruders.send_what_is_refused
)
QUIET_WITH_ERRORS = Trial("quiet-with-errors", 4.0, limits=ANY_ERRORS)


def trial_of(pinned: Pinned) -> Trial:
    """Make a trial of a schedule that once found a bug, with the same clients."""
    schedule = pinned.schedule
    faults = tuple((each.fault, each.at_seconds, each.seconds) for each in schedule.faults)
    return Trial(pinned.name, schedule.seconds, faults, BY_CHANCE, pinned.workload)


TRIALS: dict[str, Trial] = {
    trial.name: trial
    for trial in (
        QUIET,
        PRIMARY_KILLED,
        PRIMARY_AWAY,
        PRIMARY_PAUSED,
        READS_LOSE_ANSWERS,
        PRIMARY_DEAF,
        REPLICA_NARROW,
        RESET_THEN_KILL,
        LB_KILLED,
        REPLICA_AND_LB_KILLED,
        SLOW_LOG_AND_LB_KILLED,
        PRIMARY_DEAF_AND_LB_KILLED,
        POISONED,
        REQUEST_HELD,
        REQUEST_HELD_LONG,
        BUSY,
        SAME_DOCUMENTS,
        WHOLE_SETS,
        COLLECTIONS_COME_AND_GO,
        COLLECTIONS_GO_MEANWHILE,
        CROWDED,
        CROWDED_AND_REFUSED,
        QUIET_WITH_ERRORS,
        *map(trial_of, PINNED),
    )
}

CHANCE_SECONDS = 8.0


def trial_by_chance(seed: int) -> Trial:
    """Make a trial with the faults that the seed gives, and each workload in its turn."""
    schedule = random_schedule(seed, CHANCE_SECONDS)
    faults = tuple((each.fault, each.at_seconds, each.seconds) for each in schedule.faults)
    name = list(WORKLOADS)[seed % len(WORKLOADS)]
    settings = WorkloadSettings(name=name, operations_per_second=20.0)
    return Trial(f"by-chance-{name}", CHANCE_SECONDS, faults, BY_CHANCE, settings)
