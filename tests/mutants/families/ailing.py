"""Mutants of what Chroma's own faults do to one copy: each has a bug back that a soak has found.

docs/findings.md tells them; their trials are the pinned schedules.
"""

from lb import ailments, crashes, executor, quarantine
from lb.catalogue import Collection
from lb.instances import Instance
from lb.merging import Window
from lb.paths import Target
from tests.mutants.patches import Patches, misbehaved
from tests.mutants.promises import Promise
from tests.mutants.registry import mutant


@mutant(Promise.BOUNDED_LOG, "a-torn-index-that-takes-no-write", "convergence log-drained")
def torn_index_kept(patches: Patches) -> None:
    """An instance keeps a collection of which it fails every write, for ever."""

    def chronic_on(self: ailments.Ailments, instance: str) -> list[tuple[Collection, str]]:
        guilty: list[tuple[Collection, str]] = self.crashes.guilty_on(instance)
        for collection, error in original(self, instance):
            misbehaved(f"keeps {collection} on {instance}: {error}")
        return guilty

    original = patches.replace(ailments.Ailments, "chronic_on", chronic_on)


@mutant(Promise.BOUNDED_LOG, "a-torn-index-that-ends-its-server", "convergence log-drained")
def killing_index_kept(patches: Patches) -> None:
    """An instance is sent the write of which it ends, again and again, with all the others."""

    def judge(self: crashes.Crashes, instance: str, course: object) -> None:
        misbehaved(f"asks nobody what {instance} ended of")

    patches.replace(crashes.Crashes, "_judge", judge)


@mutant(Promise.POISON, "a-torn-index-while-the-other-is-away", "convergence log-drained")
def accused_of_a_torn_index(patches: Patches) -> None:
    """The first write that a torn index fails is quarantined for it, and all after it wait."""

    async def test(self: quarantine.Quarantine, collection: Collection, instance: Instance) -> bool:
        misbehaved(f"takes {collection} on {instance} for whole")
        return True

    patches.replace(quarantine.Quarantine, "test", test)


@mutant(Promise.IDEMPOTENT_WINDOWS, "updates-of-what-is-not-there", "convergence durability")
def ghosts_sent(patches: Patches) -> None:
    """Instances are sent updates of documents that do not exist, as clients wrote them."""

    async def without_ghosts(
        self: executor.Executor, target: Target, window: Window, uuid: object
    ) -> bytes:
        misbehaved(f"sends {window.first} as it is")
        return window.body

    patches.replace(executor.Executor, "_without_ghosts", without_ghosts)
