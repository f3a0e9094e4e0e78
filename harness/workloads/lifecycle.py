"""Owns the workload of collections that come, change and go, with documents in them.

Each client has three lines of collections of its own: one whose name is taken again as soon as it
is free, one in which each collection gets new names and metadata and its names never return, and
one in which documents are updated before they are there.
"""

from collections.abc import Iterator, Sequence
from itertools import count

from harness.model.collection import metadata_token, name_token
from harness.model.operation import Addressing, Invocation, Kind
from harness.workloads.client import Invocations, WorkloadClient, by_ids, of_all

_DOCUMENTS = 6
_IDS = [f"life/{n}" for n in range(_DOCUMENTS)]
_LIST_SHARE = 0.15


def invocations(client: WorkloadClient) -> Invocations:
    """Go on with one of the lines, or list all collections, for ever."""
    prefix = client.collections[0].rpartition("_")[0]
    stem = f"{prefix}_life-{client.process}"
    lines: Sequence[Iterator[Invocation]] = (
        _recycled(client, stem),
        _renamed(client, stem),
        _expected(client, stem),
    )
    while True:
        if client.random.random() < _LIST_SHARE:
            yield of_all(Kind.LIST, client.collections[0])
        else:
            yield next(client.random.choice(lines))


def _recycled(client: WorkloadClient, stem: str) -> Iterator[Invocation]:
    label = f"{stem}-again"
    while True:
        yield _create(client, label)
        # A collection begins empty, whatever was in the last one of its name.
        yield of_all(Kind.GET, label)
        yield from _documents(client, label)
        yield _drop(label)


def _renamed(client: WorkloadClient, stem: str) -> Iterator[Invocation]:
    for number in count(1):
        label = f"{stem}-{number}"
        yield _create(client, label)
        yield from _documents(client, label)
        yield _rename(label, f"{label}.second")
        yield of_all(Kind.GET, label)
        yield _modify(client, label)
        yield from _documents(client, label)
        yield _rename(label, f"{label}.third")
        yield from _documents(client, label)
        # Some stay, so that the final reads find collections with a name of their own.
        if client.random.random() < 0.5:
            yield _drop(label)


def _expected(client: WorkloadClient, stem: str) -> Iterator[Invocation]:
    """Let nothing but reads and other documents follow: an upsert or a delete would mend it."""
    for number in count(1):
        label = f"{stem}-expected-{number}"
        yield _create(client, label)
        yield client.put(Kind.UPDATE, label, _IDS[:3])
        yield client.put(Kind.ADD, label, _IDS[:3])
        for _ in range(2):
            yield of_all(Kind.GET, label)
            yield client.put(Kind.UPSERT, label, _IDS[3:])
        if client.random.random() < 0.5:
            yield _drop(label)


def _documents(client: WorkloadClient, label: str) -> Iterator[Invocation]:
    kinds = (Kind.ADD, Kind.UPSERT, Kind.UPDATE)
    yield client.put(client.random.choice(kinds[:2]), label, client.random.sample(_IDS, 4))
    yield client.put(client.random.choice(kinds), label, client.random.sample(_IDS, 2))
    if client.random.random() < 0.5:
        yield by_ids(Kind.DELETE, label, client.random.sample(_IDS, 2))
    yield of_all(Kind.GET, label)


def _create(client: WorkloadClient, label: str) -> Invocation:
    tokens = (metadata_token(label, client.next_write()), name_token(label, label))
    return _about(Kind.CREATE, label, tokens)


def _modify(client: WorkloadClient, label: str) -> Invocation:
    return _about(Kind.MODIFY, label, (metadata_token(label, client.next_write()),))


def _rename(label: str, name: str) -> Invocation:
    return _about(Kind.RENAME, label, (name_token(label, name),))


def _drop(label: str) -> Invocation:
    return _about(Kind.DROP, label, ())


def _about(kind: Kind, label: str, tokens: tuple[str, ...]) -> Invocation:
    return Invocation(kind=kind, addressing=Addressing.NAME, collection=label, tokens=tokens)
