"""Adds of single documents, beside plain Chroma: rate and latency by the number of clients."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from statistics import median

from bench.comparing import Comparison, Goal, compare, skipped, stated
from bench.figure import Better, Figure
from bench.generator import run_load
from bench.order import Order, Outcome, Sort
from bench.plan import QUICK, Bench
from bench.rounds import spread
from bench.subjects import Subject, lb_and_plain

NAME = "adds"
_MANY = 128


@dataclass(frozen=True)
class _Load:
    """So many clients, and what is asked of the load balancer beside plain Chroma then."""

    clients: int
    least_rate: float | None = None
    most_p50: float | None = None


_LOADS = (
    _Load(1, most_p50=1.5),
    _Load(8, least_rate=3.0),
    _Load(32, least_rate=4.0, most_p50=0.3),
    _Load(_MANY, least_rate=8.0),
)


async def measure(bench: Bench) -> list[Figure]:
    """Measure every number of clients; a quick look leaves out the largest."""
    loads = [load for load in _LOADS if bench.plan is not QUICK or load.clients < _MANY]
    figures = []
    for load in loads:
        figures += await _measure_load(bench, load)
    return figures


async def _measure_load(bench: Bench, load: _Load) -> list[Figure]:
    plan, at = bench.plan, f"at_{load.clients}"
    is_slow = load.clients >= _MANY
    window_seconds = plan.slow_window_seconds if is_slow else plan.window_seconds

    async def once(subject: Subject) -> Outcome:
        # Until the first requests have come back, the loop is not closed yet.
        warmup_seconds = plan.warmup_seconds * (4 if is_slow else 1)
        return await add_for(subject, load.clients, warmup_seconds, window_seconds)

    numbers = count(1)
    together: list[float] = []

    @asynccontextmanager
    async def afresh() -> AsyncIterator[tuple[Subject, Subject]]:
        # What has taken more documents is slower: each round begins with empty servers.
        async with bench.rig(f"{NAME}-{at}-{next(numbers)}") as rig:
            sides = await lb_and_plain(rig)
            yield sides.both
            seconds = plan.warmup_seconds, plan.window_seconds
            outcome = await add_for(sides.theirs, 1, *seconds, documents=load.clients)
            bench.note(f"{NAME} {at}, together", outcome)
            together.append(outcome.rate * load.clients)

    rounds = bench.rounds_of(2 / 3 if is_slow else 1)
    found: Comparison = await compare(bench, f"{NAME} {at}", afresh, once, rounds)
    return [
        found.rate_ratio(Goal(f"add_rate_ratio_{at}", Better.HIGHER, load.least_rate)),
        found.p50_ratio(Goal(f"add_p50_ratio_{at}", Better.LOWER, load.most_p50)),
        *found.absolute("add", at),
        *([_ceiling(at, found, together)] if load.clients > 1 else []),
    ]


def _ceiling(at: str, found: Comparison, together: list[float]) -> Figure:
    """State what merging could gain if all else cost nothing, and there was no second instance.

    That is plain Chroma with what all clients write in one request of one client, beside plain
    Chroma with the clients. It depends on the machine, and limits the rate's ratio.
    """
    theirs = median(each.rate for each in found.theirs)
    goal = Goal(f"add_rate_ratio_ceiling_{at}", Better.HIGHER)
    if not theirs:
        return skipped(goal, "x", NAME, "nothing to compare with")
    return stated(goal, spread([rate / theirs for rate in together]), "x", NAME, found.rounds)


async def add_for(
    subject: Subject,
    clients: int,
    warmup_seconds: float,
    window_seconds: float,
    collections: tuple[str, ...] = (),
    documents: int = 1,
) -> Outcome:
    """Let clients add for a while, so many documents with each request.

    They go to the collections in turn, or to a new one.
    """
    order = Order(
        port=subject.port,
        sort=Sort.ADD,
        collections=collections or (await subject.new_collection(),),
        clients=clients,
        warmup_seconds=warmup_seconds,
        window_seconds=window_seconds,
        documents_per_request=documents,
        prefix=f"add-{secrets.token_hex(4)}",
    )
    return await run_load(order)
