"""Owns what a load proves: its promise, its faults, and the limits that it is judged by."""

from collections.abc import Sequence

import msgspec

from harness.errors import UsageError
from harness.load.settings import LoadSettings
from harness.model.history import Limits
from harness.model.schedule import ScheduledFault
from harness.runner.composition import composed
from harness.runner.scenario import Phase, Scenario, disruptions_of, schedule_of
from harness.runner.scenarios.registry import SCENARIOS

_DRAIN_SECONDS = 2.0
# All that a load has written is read to see that instances agree, which alone takes seconds.
_CONVERGE_SECONDS = 30.0
_LOAD = Limits(gap_seconds=None, converge_seconds=_CONVERGE_SECONDS, drain_seconds=_DRAIN_SECONDS)


def load_scenario(load: LoadSettings, faults_in_words: Sequence[str], seed: int) -> Scenario:
    """Make the scenario of a load; raises `UsageError` for faults that do not fit into it.

    Each of the words is a fault with its times, or a scenario, whose faults come as they do there.
    How long answers take is reported. Operations may fail only where faults were named in words,
    because only a scenario says that none does.
    """
    faults = [each for words in faults_in_words for each in _faults(words, load.seconds, seed)]
    of_scenarios = all(words in SCENARIOS for words in faults_in_words)
    limits = _LOAD if of_scenarios else msgspec.structs.replace(_LOAD, failed_operations=None)
    return Scenario(
        name=f"load-{load.shape}",
        use_case="Use case 4, high load",
        promise=_promise(load, faults, limits),
        phases=_phases(load.seconds, faults),
        limits=limits,
    )


def _faults(words: str, seconds: float, seed: int) -> tuple[ScheduledFault, ...]:
    if words not in SCENARIOS:
        return composed([words], seed, seconds).faults
    faults = schedule_of(SCENARIOS[words], seed).faults
    end_seconds = max((each.at_seconds + each.seconds for each in faults), default=0.0)
    if end_seconds > seconds:
        raise UsageError(
            f"the faults of {words} take {end_seconds:g} s: a load of {seconds:g} s is too short, "
            f"say --seconds {end_seconds:g} or more"
        )
    return faults


def _phases(seconds: float, faults: Sequence[ScheduledFault]) -> tuple[Phase, ...]:
    """Part the time where the last fault is healed: convergence is measured from there."""
    if not faults:
        return (Phase("load", seconds),)
    end_seconds = max(each.at_seconds + each.seconds for each in faults)
    return (
        Phase("load with faults", end_seconds, disruptions_of(faults)),
        Phase("load", seconds - end_seconds),
    )


def _promise(load: LoadSettings, faults: Sequence[ScheduledFault], limits: Limits) -> str:
    while_ = f" while {', '.join(each.fault for each in faults)}" if faults else ""
    none_fails = "no operation fails; " if limits.failed_operations == 0 else ""
    return (
        f"With up to {load.users} users of {load.traffic}{while_}, {none_fails}nothing "
        "acknowledged is lost, nothing deleted returns, both instances come to hold identical "
        f"data, and the log is drained within {_DRAIN_SECONDS:g} s of the last operation."
    )
