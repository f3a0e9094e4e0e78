"""Mutants of the log: what is durable, when, and for how long."""

from collections.abc import Callable

from lb import pruner, wal
from lb.config import Settings
from lb.model import CollectionChange, Entry
from tests.mutants.patches import Patches, misbehaved
from tests.mutants.promises import Promise
from tests.mutants.registry import mutant


@mutant(Promise.LOGGED_FIRST, "slow-log-and-lb-killed", "convergence")
def logged_after_execution(patches: Patches) -> None:
    """A write goes to the instances at once, and into the log beside that."""

    def submit(
        self: wal.Wal,
        entry: Entry,
        deliver: Callable[[], None],
        undo: Callable[[], None],
        change: CollectionChange | None = None,
    ) -> wal.Append:
        if change is not None:
            kept: wal.Append = original(self, entry, deliver, undo, change)
            return kept
        append: wal.Append = original(self, entry, lambda: None, lambda: None, change)
        misbehaved(f"sends entry {entry.position} before the commit")
        deliver()
        return append

    original = patches.replace(wal.Wal, "submit", submit)


@mutant(Promise.BOUNDED_LOG, "primary-killed", "durability convergence")
def pruned_too_early(patches: Patches) -> None:
    """Bodies are removed from the log as soon as one instance has applied them."""
    patches.set_variable("PRUNE_INTERVAL_SECONDS", "0.25", Settings.model_fields)

    async def prune_bodies(self: pruner.Pruner) -> None:
        await original(self)
        done = await self._pool.execute(
            "update wal set body = '{}', resolved_body = null "
            "where outcome_status is not null and octet_length(body) > 2"
        )
        if done != "UPDATE 0":
            misbehaved(f"pruned: {done}")

    original = patches.replace(pruner.Pruner, "_prune_bodies", prune_bodies)
