"""Owns the scenarios of the timing gap: each kind of failure once, while clients do everything."""

from collections.abc import Mapping
from math import ceil

from harness.errors import UsageError
from harness.faults.registry import fault_named
from harness.model.history import Limits
from harness.model.schedule import Schedule, ScheduledFault
from harness.runner.composition import flapping
from harness.runner.scenario import Disruption, Phase, Scenario
from harness.workloads.settings import Addressing, WorkloadSettings

FAILURES: Mapping[str, str] = {
    "kill": "kill {target}",
    "pause": "pause {target}",
    "blackhole": "black-hole {target}",
    "reset": "reset {target}",
    "slow": "latency {target} 2000",
    "flap": "kill {target}",
}
"""The kinds of failure by their words, each as a fault; one that flaps comes and goes."""

FLAP = "flap"
_FLAP_SECONDS, _FLAP_EVERY_SECONDS = 1.0, 2.5
_BASELINE_SECONDS, _RECOVERY_SECONDS = 6.0, 5.0
# A client waits so long for an answer, and then so does its next operation.
_PATIENCE_SECONDS = 10.0
_LIMITS = Limits(gap_seconds=None, converge_seconds=30.0)


def failures_named(words: str) -> tuple[str, ...]:
    """Read kinds of failure with commas between; raises `UsageError` that names the valid ones."""
    kinds = tuple(dict.fromkeys(word.strip() for word in words.split(",")))
    if unknown := [kind for kind in kinds if kind not in FAILURES]:
        raise UsageError(
            f"there is no kind of failure {unknown[0]!r}; the kinds are {', '.join(FAILURES)}"
        )
    return kinds


def gap_scenario(kind: str, target: str, seconds: float, seed: int) -> Scenario:
    """Make the scenario in which the target fails like that for so long."""
    words = FAILURES[kind].format(target=target)
    faults = _flaps(words, seconds) if kind == FLAP else (_throughout(words, seconds),)
    disruptions = tuple(
        Disruption(fault_named(each.fault), each.at_seconds, each.seconds) for each in faults
    )
    return Scenario(
        name=f"gap-{kind}",
        use_case="Use case 5, the timing gap",
        promise=(
            f"From the moment in which {target} fails ({kind}: {_told(kind, words)}) no operation "
            "of any kind fails, before the failure is noticed either; nothing acknowledged is "
            "lost, and all instances agree within 30 s of the healing."
        ),
        phases=(
            Phase("baseline", _BASELINE_SECONDS),
            Phase(kind, seconds, disruptions),
            Phase("recovery", _RECOVERY_SECONDS),
        ),
        limits=_LIMITS,
        schedule=Schedule(seed=seed, seconds=seconds, faults=faults, limits=_LIMITS),
    )


def gap_workload(operations_per_second: float, addressing: Addressing) -> WorkloadSettings:
    """Give every operation a client of its own, so that none waits for the answer to another."""
    return WorkloadSettings(
        name="rounds",
        clients=ceil(operations_per_second * _PATIENCE_SECONDS),
        operations_per_second=operations_per_second,
        addressing=addressing,
    )


def _throughout(words: str, seconds: float) -> ScheduledFault:
    return ScheduledFault(fault=words, at_seconds=0.0, seconds=seconds)


def _flaps(words: str, seconds: float) -> tuple[ScheduledFault, ...]:
    """Let it come and go until the time is over."""
    times = max(1, int((seconds - _FLAP_SECONDS) / _FLAP_EVERY_SECONDS) + 1)
    return flapping(words, 0.0, _FLAP_SECONDS, _FLAP_EVERY_SECONDS, times)


def _told(kind: str, words: str) -> str:
    if kind != FLAP:
        return f"`{words}`"
    return f"`{words}` for {_FLAP_SECONDS:g} s, every {_FLAP_EVERY_SECONDS:g} s"
