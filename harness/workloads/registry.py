"""Owns the registry of workloads: what each does, and how clients get their invocations."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from harness.errors import UsageError
from harness.model.operation import Invocation, Naming
from harness.workloads import batch, counter, lifecycle, register, rounds
from harness.workloads import set as sets
from harness.workloads.client import Invocations, WorkloadClient
from harness.workloads.cms import CmsGenerator
from harness.workloads.settings import Addressing, WorkloadSettings

_SETUP = "setup"


def _nothing(client: WorkloadClient) -> Invocations:
    del client
    return iter(())


@dataclass(frozen=True)
class Workload:
    """What clients do, in a word and in a line; `prepare` writes what must be there before."""

    name: str
    does: str
    invocations: Callable[[WorkloadClient], Invocations]
    prepare: Callable[[WorkloadClient], Invocations] = _nothing


def _cms(client: WorkloadClient) -> Invocations:
    settings = client.settings
    generator = CmsGenerator(client.process, client.seed, client.collections, settings.skew)
    return iter(generator)


_SINGLE = (
    Workload("cms", "Ingest, search, list, replace and delete files.", _cms),
    Workload(
        "register",
        "All clients set, update, add, delete and get the same few documents.",
        register.invocations,
    ),
    Workload("set", "Add, delete, count and get whole sets of documents.", sets.invocations),
    Workload(
        "counter",
        "Update metadata keys of shared documents, each client its own.",
        counter.invocations,
        counter.preparation,
    ),
    Workload(
        "lifecycle",
        "Create, fill, rename, modify, drop, create again and list collections.",
        lifecycle.invocations,
    ),
    Workload(
        "batch",
        "Write, delete and get overlapping batches, and delete by metadata.",
        batch.invocations,
    ),
)
_WEIGHTS = {"cms": 30, "register": 20, "set": 10, "counter": 15, "lifecycle": 10, "batch": 15}


def _mixed(client: WorkloadClient) -> Invocations:
    """Do all the others do, by weight; each goes on where it was left."""
    running = [workload.invocations(client) for workload in _SINGLE]
    weights = [_WEIGHTS[workload.name] for workload in _SINGLE]
    while True:
        yield next(client.random.choices(running, weights)[0])


WORKLOADS: Mapping[str, Workload] = {
    workload.name: workload
    for workload in (
        *_SINGLE,
        Workload("mixed", "All of these, by weight.", _mixed, counter.preparation),
        Workload(
            "rounds",
            "Every kind of document operation once, in an order by chance, again and again.",
            rounds.invocations,
            rounds.preparation,
        ),
    )
}


def workload_named(name: str) -> Workload:
    """Find a workload; raises `UsageError` that names the valid ones."""
    try:
        return WORKLOADS[name]
    except KeyError:
        raise UsageError(
            f"there is no workload {name!r}; the workloads are {', '.join(WORKLOADS)}"
        ) from None


def invocations_of(
    settings: WorkloadSettings, process: str, seed: int, collections: Sequence[str]
) -> Iterator[Invocation]:
    """Give the endless sequence of one client process."""
    client = WorkloadClient(process, seed, collections, settings)
    source = random.Random(f"{seed}/naming/{process}")  # noqa: S311 (reproducible on purpose)
    for invocation in workload_named(settings.name).invocations(client):
        naming = _naming(settings.addressing, source)
        yield msgspec.structs.replace(invocation, naming=naming)


def preparation_of(
    settings: WorkloadSettings, seed: int, collections: Sequence[str]
) -> tuple[Invocation, ...]:
    """Give what must be written before the clients begin."""
    client = WorkloadClient(_SETUP, seed, collections, settings)
    return tuple(workload_named(settings.name).prepare(client))


def _naming(addressing: Addressing, source: random.Random) -> Naming:
    if addressing is Addressing.MIXED:
        return source.choice(tuple(Naming))
    return Naming(addressing)
