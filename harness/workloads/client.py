"""Owns what one client process of a workload is given, and the invocations that it makes of it.

Everything follows from the seed and the name of the process, so a client can be asked what it will
do before it does it.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from harness.model.document import make_token
from harness.model.operation import Addressing, Invocation, Kind
from harness.workloads.settings import WorkloadSettings
from harness.workloads.skew import pick

T = TypeVar("T")


class WorkloadClient:
    """One client process: its seeded chance, its share of the names, its invocations."""

    def __init__(
        self, process: str, seed: int, collections: Sequence[str], settings: WorkloadSettings
    ) -> None:
        self.process = process
        self.seed = seed
        self.collections = collections
        self.settings = settings
        self.random = random.Random(f"{seed}/{settings.name}/{process}")  # noqa: S311 (reproducible)
        self._writes = 0

    def pick(self, choices: Sequence[T]) -> T:
        """Choose, by the skew of the settings."""
        return pick(self.random, choices, self.settings.skew)

    def kind(self, weights: dict[Kind, int]) -> Kind:
        """Choose by weight."""
        return self.random.choices(list(weights), list(weights.values()))[0]

    def next_write(self) -> str:
        """Name a write that no other is named like."""
        self._writes += 1
        return f"{self.process}.{self._writes}"

    def put(self, kind: Kind, collection: str, ids: Iterable[str]) -> Invocation:
        """Write new contents under these ids."""
        write, ids = self.next_write(), tuple(ids)
        parts = [document_id.rpartition("/") for document_id in ids]
        tokens = tuple(make_token(file, int(chunk), write) for file, _, chunk in parts)
        return Invocation(
            kind=kind, addressing=Addressing.IDS, collection=collection, ids=ids, tokens=tokens
        )

    def put_or_ask(self, kind: Kind, collection: str, ids: Sequence[str]) -> Invocation:
        """Write new contents under these ids, or get or delete what is there."""
        is_put = kind in (Kind.ADD, Kind.UPSERT, Kind.UPDATE)
        return self.put(kind, collection, ids) if is_put else by_ids(kind, collection, ids)


def by_ids(kind: Kind, collection: str, ids: Iterable[str]) -> Invocation:
    """Get or delete what is there under these ids."""
    return Invocation(kind=kind, addressing=Addressing.IDS, collection=collection, ids=tuple(ids))


def by_file(kind: Kind, collection: str, file: str) -> Invocation:
    """Get or delete the documents of a file, by their metadata."""
    return Invocation(kind=kind, addressing=Addressing.WHERE, collection=collection, file=file)


def of_all(kind: Kind, collection: str) -> Invocation:
    """Get, count or list everything."""
    return Invocation(kind=kind, addressing=Addressing.ALL, collection=collection)


def spread(collections: Sequence[str], names: Iterable[str]) -> list[tuple[str, str]]:
    """Give each name a collection, in turn."""
    return [(collections[n % len(collections)], name) for n, name in enumerate(names)]


Invocations = Iterator[Invocation]
