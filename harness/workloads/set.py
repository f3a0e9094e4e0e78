"""Owns the workload in which clients change sets, and read and count them as a whole."""

from harness.model.operation import Kind
from harness.workloads.client import Invocations, WorkloadClient, of_all

_MEMBERS = 64
_MOST_AT_ONCE = 5
_WEIGHTS = {Kind.ADD: 40, Kind.DELETE: 25, Kind.GET: 20, Kind.COUNT: 15}


def invocations(client: WorkloadClient) -> Invocations:
    """Change and read sets, one in each collection, for ever."""
    members = [f"set/{n}" for n in range(_MEMBERS)]
    while True:
        kind = client.kind(_WEIGHTS)
        collection = client.pick(client.collections)
        if kind.is_write:
            count = client.random.randint(1, _MOST_AT_ONCE)
            chosen = dict.fromkeys(client.pick(members) for _ in range(count))
            yield client.put_or_ask(kind, collection, list(chosen))
        else:
            yield of_all(kind, collection)
