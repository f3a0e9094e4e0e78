"""Mutants of what the load balancer says of itself; they serve clients well."""

from typing import Any

from lb import instances, log_tail, status
from lb.instances import Instance
from lb.log_tail import LogTail
from tests.mutants.patches import Patches, misbehaved
from tests.mutants.promises import Promise
from tests.mutants.registry import mutant


@mutant(Promise.TRUE_FIGURES, "primary-away", "status-figures")
def pending_not_counted(patches: Patches) -> None:
    """No entry is ever said to be pending."""

    def backlog(self: LogTail, instance: str) -> int:
        if (pending := original(self, instance)) > 0:
            misbehaved(f"hides {pending} entries for {instance}")
        return 0

    original = patches.replace(log_tail.LogTail, "backlog", backlog)


@mutant(Promise.TRUE_FIGURES, "primary-away", "health-figures")
def always_said_healthy(patches: Patches) -> None:
    """Every instance is said to be healthy, whatever is known of it."""

    def describe(self: status.Status, instance: Instance) -> dict[str, Any]:
        said: dict[str, Any] = original(self, instance)
        if not said["healthy"]:
            misbehaved(f"calls {instance} healthy")
        return {**said, "healthy": True, "state": instances.State.UP.value}

    original = patches.replace(status.Status, "_instance", describe)
    patches.replace(instances.Fleet, "healthy", property(lambda self: len(tuple(self))))
