"""Mutants of what is believed of an instance, and of what breaks one."""

import asyncio
from collections.abc import Sequence

from lb import health, instances, quarantine, writes
from lb.catalogue import Collection
from lb.errors import ServerFailedError
from lb.instances import Instance
from lb.model import Entry, Kind
from tests.mutants.patches import Patches, misbehaved
from tests.mutants.promises import Promise
from tests.mutants.registry import mutant

LONG_SECONDS = 30.0


@mutant(Promise.FAILOVER, "primary-killed", "convergence")
def health_cached(patches: Patches) -> None:
    """What a probe has found is believed for 30 s."""

    async def run(self: health.HealthMonitor) -> None:
        while not self.instance.is_serving or self.instance.state is not instances.State.UP:
            await self.check()
            await asyncio.sleep(health.QUICK_SECONDS)
        while True:
            misbehaved(f"does not look at {self.instance}")
            await asyncio.sleep(LONG_SECONDS)
            await self.check()

    patches.replace(health.HealthMonitor, "run", run)


@mutant(Promise.FAILOVER, "reset-then-kill", "availability")
def fails_over_on_a_single_reset(patches: Patches) -> None:
    """A connection that breaks once takes the instance out of service for 30 s."""

    def suspect(self: Instance, cause: str) -> None:
        misbehaved(f"{self}: {cause}")
        original(self, cause)
        self.force(healthy=False, duration_seconds=LONG_SECONDS)

    original = patches.replace(instances.Instance, "suspect", suspect)


@mutant(Promise.POISON, "poisoned", "availability", is_sample=True)
def poison_passed_on(patches: Patches) -> None:
    """A write that breaks a server is let in, and goes to the others when one has failed."""

    def find_poison(kind: Kind, body: bytes) -> str | None:
        reason: str | None = original(kind, body)
        if reason is not None:
            misbehaved(f"lets in: {reason}")
        return None

    async def accuse(
        self: quarantine.Quarantine,
        collection: Collection,
        entries: Sequence[Entry],
        error: ServerFailedError,
        *,
        was_failing: bool,
        is_repeated: bool,
    ) -> None:
        misbehaved(f"passes on {entries[0]}: {error}")

    original = patches.replace(writes, "find_poison", find_poison)
    patches.replace(quarantine.Quarantine, "accuse", accuse)


@mutant(Promise.POISON, "poisoned", "convergence")
def poison_let_in(patches: Patches) -> None:
    """A write that is known to break a server is logged; the quarantine saves the others."""

    def find_poison(kind: Kind, body: bytes) -> str | None:
        reason: str | None = original(kind, body)
        if reason is not None:
            misbehaved(f"lets in: {reason}")
        return None

    original = patches.replace(writes, "find_poison", find_poison)
