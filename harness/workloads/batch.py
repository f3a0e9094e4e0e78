"""Owns the workload of batches: many documents at once, of files that all clients share."""

from harness.model.operation import Kind
from harness.workloads.client import Invocations, WorkloadClient, by_file, by_ids, spread

_FILES = 4
_CHUNKS = 24
_FEWEST, _MOST = 2, 12
_WRITES = {Kind.UPSERT: 30, Kind.UPDATE: 12, Kind.ADD: 18, Kind.DELETE: 15, Kind.GET: 25}


def invocations(client: WorkloadClient) -> Invocations:
    """Write, delete and get overlapping parts of files, or whole files by metadata, for ever."""
    files = spread(client.collections, (f"batch-{n}" for n in range(_FILES)))
    while True:
        collection, file = client.pick(files)
        kind = client.kind(_WRITES)
        if kind in (Kind.DELETE, Kind.GET) and client.random.random() < 0.5:
            yield by_file(kind, collection, file)
            continue
        count = client.random.randint(_FEWEST, _MOST)
        first = client.random.randrange(_CHUNKS - count)
        ids = [f"{file}/{chunk}" for chunk in range(first, first + count)]
        if kind in (Kind.DELETE, Kind.GET):
            yield by_ids(kind, collection, ids)
        else:
            yield client.put(kind, collection, ids)
