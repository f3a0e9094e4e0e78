"""Mutants of the start after a crash: what of the log is taken up again."""

from typing import Any

from lb import app
from lb.instances import Fleet
from lb.log_tail import LogTail
from tests.mutants.patches import Patches, misbehaved
from tests.mutants.promises import Promise
from tests.mutants.registry import mutant


@mutant(Promise.DURABLE_WRITES, "replica-and-lb-killed", "durability convergence", is_sample=True)
def tail_forgotten(patches: Patches) -> None:
    """After a restart what some instance has not applied is not taken up."""

    async def recover(connection: Any, fleet: Fleet, now: float) -> LogTail:
        tail: LogTail = await original(connection, fleet, now)
        for collection in tail.unfinished():
            for instance, queue in collection.lane.queues.items():
                forgotten = list(queue)
                if forgotten:
                    misbehaved(f"forgets {len(forgotten)} entries for {instance}")
                for entry in forgotten:
                    collection.lane.mark_applied(instance, entry)
                    tail.advance(collection, instance, entry)
        return tail

    original = patches.replace(app, "recover", recover)
