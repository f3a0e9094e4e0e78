"""How cost grows with clients, batches, documents, collections, instances: a few points each."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.cases.adds import add_for
from bench.cases.queries import query_for
from bench.plan import Bench
from bench.results import DIRECTORY
from bench.rig import cpu_seconds
from bench.subjects import PLAIN, Subject, lb_and_plain

CURVES = DIRECTORY / "curves.json"

_CLIENTS = (1, 2, 4, 8, 16, 32, 64, 128)
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
_DOCUMENTS = (1_000, 4_000, 16_000)
_COLLECTIONS = (1, 4, 16, 64)
_INSTANCES = (2, 3)
_SLOW_CLIENTS = 64
_WRITERS, _READERS = 32, 8


class Series(msgspec.Struct):
    """Points of one subject, as (x, y)."""

    label: str
    points: list[tuple[float, float]] = []


class Curve(msgspec.Struct):
    """One panel of a plot; `plot` names the file that it goes to."""

    plot: str
    title: str
    x: str
    y: str
    series: list[Series] = []

    def add(self, label: str, x: float, y: float) -> None:
        """Add a point to the series of that label."""
        for each in self.series:
            if each.label == label:
                each.points.append((x, y))
                return
        self.series.append(Series(label, [(x, y)]))


async def measure(bench: Bench) -> list[Curve]:
    """Measure every curve."""
    curves: list[Curve] = []
    for part in (_by_clients, _by_batch, _by_documents, _by_collections, _by_instances):
        curves += await part(bench)
    return curves


def write(curves: Sequence[Curve], path: Path = CURVES) -> None:
    """Write the points."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(curves), indent=2) + b"\n")


def read(path: Path = CURVES) -> list[Curve]:
    """Read them; raises `FileNotFoundError`."""
    return msgspec.json.decode(path.read_bytes(), type=list[Curve])


async def _by_clients(bench: Bench) -> list[Curve]:
    rate = Curve("clients", "single adds", "clients", "adds per second")
    p50 = Curve("clients", "median latency of an add", "clients", "ms")
    plan = bench.plan
    async with bench.rig("clients") as rig:
        sides = await lb_and_plain(rig)
        for clients in _CLIENTS:
            is_slow = clients >= _SLOW_CLIENTS
            window_seconds = plan.slow_window_seconds if is_slow else plan.window_seconds
            warmup_seconds = plan.warmup_seconds * (4 if is_slow else 1)
            for subject in sides.both:
                outcome = await add_for(subject, clients, warmup_seconds, window_seconds)
                await subject.rest()
                rate.add(subject.name, clients, outcome.rate)
                p50.add(subject.name, clients, outcome.p50_ms)
            bench.tell(f"{clients} clients: {_last(rate)}")
    return [rate, p50]


async def _by_batch(bench: Bench) -> list[Curve]:
    """Measure what plain Chroma takes for a request by its documents: merging gains no more."""
    p50 = Curve("batch", "one add to plain Chroma", "documents in it", "median ms")
    rate = Curve("batch", "adds by one client", "documents in each", "documents per second")
    seconds = bench.plan.warmup_seconds, bench.plan.window_seconds
    async with bench.rig("batch") as rig:
        plain = Subject(PLAIN, (await rig.chroma("plain")).url)
        for documents in _BATCHES:
            outcome = await add_for(plain, 1, *seconds, documents=documents)
            p50.add(plain.name, documents, outcome.p50_ms)
            rate.add(plain.name, documents, outcome.rate * documents)
            bench.tell(f"{documents} documents in a request: {_last(p50)}; {_last(rate)}")
    return [p50, rate]


async def _by_documents(bench: Bench) -> list[Curve]:
    search = Curve("documents", "search by one client", "documents", "median ms")
    add = Curve("documents", "single adds by 32 clients", "documents", "adds per second")
    seconds = bench.plan.warmup_seconds, bench.plan.window_seconds
    async with bench.rig("documents") as rig:
        sides = await lb_and_plain(rig)
        collections = {subject.name: await subject.new_collection() for subject in sides.both}
        filled = 0
        for documents in _DOCUMENTS:
            for subject in sides.both:
                collection = collections[subject.name]
                await subject.fill(collection, filled, documents)
                searched = await query_for(subject, collection, 1, *seconds)
                added = await add_for(subject, _WRITERS, *seconds, collections=(collection,))
                await subject.rest()
                search.add(subject.name, documents, searched.p50_ms)
                add.add(subject.name, documents, added.rate)
            filled = documents
            bench.tell(f"{documents} documents: {_last(search)}; {_last(add)}")
    return [search, add]


async def _by_collections(bench: Bench) -> list[Curve]:
    rate = Curve("collections", "single adds by 32 clients", "collections", "adds per second")
    async with bench.rig("collections") as rig:
        sides = await lb_and_plain(rig)
        for number in _COLLECTIONS:
            for subject in sides.both:
                made = tuple([await subject.new_collection() for _ in range(number)])
                outcome = await add_for(
                    subject,
                    _WRITERS,
                    bench.plan.warmup_seconds,
                    bench.plan.window_seconds,
                    collections=made,
                )
                await subject.rest()
                rate.add(subject.name, number, outcome.rate)
            bench.tell(f"{number} collections: {_last(rate)}")
    return [rate]


async def _by_instances(bench: Bench) -> list[Curve]:
    rate = Curve("instances", "through the load balancer", "instances", "requests per second")
    cost = Curve("instances", "its processor time", "instances", "ms per request")
    seconds = bench.plan.warmup_seconds, bench.plan.window_seconds
    for instances in _INSTANCES:
        async with bench.rig(f"instances-{instances}") as rig:
            sides = await lb_and_plain(rig, instances)
            filled = await sides.ours.filled_collection(bench.plan.documents)
            lb = sides.behind.lb
            written = await sides.ours.new_collection()
            before = cpu_seconds(lb)
            added = await add_for(sides.ours, _WRITERS, *seconds, collections=(written,))
            await sides.ours.rest()
            between = cpu_seconds(lb)
            # Those that were under way when the time was over cost as much as the others.
            adds = await sides.ours.count(written)
            searched = await query_for(sides.ours, filled, _READERS, 0.0, seconds[1])
            after = cpu_seconds(lb)
        for label, outcome, requests, spent in (
            (f"adds by {_WRITERS} clients", added, adds, between - before),
            (f"searches by {_READERS} clients", searched, searched.completed, after - between),
        ):
            rate.add(label, instances, outcome.rate)
            cost.add(label, instances, 1e3 * spent / max(1, requests))
        bench.tell(f"{instances} instances: {_last(rate)}; {_last(cost)}")
    return [rate, cost]


def _last(curve: Curve) -> str:
    values = (f"{each.label} {each.points[-1][1]:.4g}" for each in curve.series)
    return f"{', '.join(values)} ({curve.y})"
