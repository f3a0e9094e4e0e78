"""Owns the workload in which each client keeps notes of its own, and reads each write back."""

from harness.model.operation import Kind
from harness.workloads.client import Invocations, WorkloadClient, by_ids, spread

_NOTES = 4
_WEIGHTS = {Kind.UPSERT: 60, Kind.ADD: 20, Kind.DELETE: 20}


def invocations(client: WorkloadClient) -> Invocations:
    """Write or delete a note, and get it, for ever."""
    notes = spread(client.collections, (f"note-{client.process}/{n}" for n in range(_NOTES)))
    while True:
        collection, note = client.pick(notes)
        yield client.put_or_ask(client.kind(_WEIGHTS), collection, [note])
        yield by_ids(Kind.GET, collection, [note])
