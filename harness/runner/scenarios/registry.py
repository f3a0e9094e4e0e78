"""Owns the registry of scenarios by name."""

from collections.abc import Mapping

from harness.errors import UsageError
from harness.runner.scenario import RANDOM, Scenario
from harness.runner.scenarios import instance_down, operations, transactions
from harness.runner.scenarios.normal import NORMAL
from harness.runner.scenarios.timing_gap import TIMING_GAP

SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        NORMAL,
        instance_down.PRIMARY_DOWN,
        instance_down.PRIMARY_FORCED_DOWN,
        instance_down.PRIMARY_PAUSED,
        instance_down.PRIMARY_BLACK_HOLE,
        instance_down.PRIMARY_RESET,
        instance_down.PRIMARY_SLOW,
        instance_down.PRIMARY_BUSY,
        instance_down.PRIMARY_DISCONNECTED,
        instance_down.PRIMARY_FLAPPING,
        instance_down.REPLICA_DOWN,
        instance_down.REPLICA_BLACK_HOLE,
        TIMING_GAP,
        transactions.BOTH_DOWN,
        transactions.POSTGRES_DOWN,
        transactions.LB_CRASH,
        transactions.LB_CRASH_STEPS,
        operations.ROLLING_DEPLOY,
        operations.LONG_OUTAGE,
        operations.RESTART_OF_EVERYTHING,
    )
}


def scenario_named(name: str) -> Scenario:
    """Find a scenario; raises `UsageError` that names the valid ones."""
    try:
        return SCENARIOS[name]
    except KeyError:
        raise UsageError(
            f"there is no scenario {name!r}; the scenarios are {', '.join((*SCENARIOS, RANDOM))}"
        ) from None
