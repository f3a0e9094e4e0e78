"""Owns the workload in which every kind of document operation is as frequent as any other.

Clients share the documents, so a client needs no past: hundreds of them that ask rarely do what a
few do that ask often, and one that waits for an answer holds nobody else up.
"""

from harness.model.document import id_of, make_token
from harness.model.operation import Addressing, Invocation, Kind
from harness.workloads.client import Invocations, WorkloadClient, by_file, spread

_FILES = 96
_CHUNKS = 2
_ROUND = (
    (Kind.ADD, Addressing.IDS),
    (Kind.UPSERT, Addressing.IDS),
    (Kind.UPDATE, Addressing.IDS),
    (Kind.DELETE, Addressing.IDS),
    (Kind.DELETE, Addressing.WHERE),
    (Kind.GET, Addressing.IDS),
    (Kind.GET, Addressing.WHERE),
    (Kind.QUERY, Addressing.EMBEDDING),
)


def preparation(client: WorkloadClient) -> Invocations:
    """Write all files, a collection at a time, before anything else happens."""
    files = _files(client)
    for collection in client.collections:
        ids = [i for place, file in files if place == collection for i in _ids(file)]
        yield client.put(Kind.UPSERT, collection, ids)


def invocations(client: WorkloadClient) -> Invocations:
    """Do every kind once in each round, in an order by chance, to files by chance, for ever."""
    files = _files(client)
    while True:
        for kind, addressing in client.random.sample(_ROUND, len(_ROUND)):
            collection, file = client.pick(files)
            match addressing:
                case Addressing.WHERE:
                    yield by_file(kind, collection, file)
                case Addressing.EMBEDDING:
                    yield _search(client, collection, file)
                case _:
                    yield client.put_or_ask(kind, collection, _ids(file))


def _files(client: WorkloadClient) -> list[tuple[str, str]]:
    return spread(client.collections, (f"round-{n}" for n in range(_FILES)))


def _ids(file: str) -> list[str]:
    return [f"{file}/{chunk}" for chunk in range(_CHUNKS)]


def _search(client: WorkloadClient, collection: str, file: str) -> Invocation:
    """Search for an embedding that no document has: whatever is nearest is an answer."""
    token = make_token(file, 0, f"{client.process}.searched")
    return Invocation(
        kind=Kind.QUERY,
        addressing=Addressing.EMBEDDING,
        collection=collection,
        ids=(id_of(token),),
        tokens=(token,),
    )
