"""Owns the workload in which all clients write the same few documents at the same time."""

from harness.model.operation import Kind
from harness.workloads.client import Invocations, WorkloadClient, spread

_DOCUMENTS = 6
_WEIGHTS = {Kind.GET: 40, Kind.UPSERT: 20, Kind.UPDATE: 15, Kind.ADD: 13, Kind.DELETE: 12}


def invocations(client: WorkloadClient) -> Invocations:
    """Get, set, set if absent, set if there, and delete single documents, for ever."""
    documents = spread(client.collections, (f"register/{n}" for n in range(_DOCUMENTS)))
    while True:
        collection, document_id = client.pick(documents)
        kind = client.kind(_WEIGHTS)
        yield client.put_or_ask(kind, collection, [document_id])
