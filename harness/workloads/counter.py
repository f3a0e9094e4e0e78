"""Owns the workload in which every client counts in a metadata key of its own of shared documents.

Updates merge metadata, so no client may undo what another one counted, and no write of the whole
content may either. Each client also has a document of its own that it deletes now and then: what
it counts while that is gone must not bring it back.
"""

from collections.abc import Sequence

from harness.model.document import make_mark
from harness.model.operation import Addressing, Invocation, Kind
from harness.workloads.client import Invocations, WorkloadClient, by_ids, spread

_DOCUMENTS = 3
_SHARED = {Kind.GET: 35, Kind.UPDATE: 60, Kind.UPSERT: 5}
_OWN = {Kind.GET: 25, Kind.UPDATE: 45, Kind.UPSERT: 10, Kind.ADD: 10, Kind.DELETE: 10}


def preparation(client: WorkloadClient) -> Invocations:
    """Write the documents that are shared, before anything else happens."""
    for collection, document_id in _shared(client.collections):
        yield client.put(Kind.UPSERT, collection, [document_id])


def invocations(client: WorkloadClient) -> Invocations:
    """Count and read, mostly in shared documents, for ever."""
    shared = _shared(client.collections)
    own = (client.random.choice(client.collections), f"counter-{client.process}/0")
    while True:
        is_shared = client.random.random() < 0.75
        collection, document_id = client.pick(shared) if is_shared else own
        kind = client.kind(_SHARED if is_shared else _OWN)
        match kind:
            case Kind.UPDATE:
                yield _count(client, collection, document_id)
            case Kind.GET | Kind.DELETE:
                yield by_ids(kind, collection, [document_id])
            case _:
                yield client.put(kind, collection, [document_id])


def _shared(collections: Sequence[str]) -> list[tuple[str, str]]:
    return spread(collections, (f"counter/{n}" for n in range(_DOCUMENTS)))


def _count(client: WorkloadClient, collection: str, document_id: str) -> Invocation:
    token = make_mark(document_id, client.process, client.next_write())
    return Invocation(
        kind=Kind.UPDATE,
        addressing=Addressing.IDS,
        collection=collection,
        ids=(document_id,),
        tokens=(token,),
    )
