"""Searches, beside plain Chroma."""

from bench.comparing import Goal, compare, same
from bench.figure import Better, Figure
from bench.generator import run_load
from bench.order import Order, Outcome, Sort
from bench.plan import Bench
from bench.subjects import Subject, lb_and_plain

NAME = "queries"


async def measure(bench: Bench) -> list[Figure]:
    """Search for the ten nearest documents, by one client and by eight."""
    plan = bench.plan
    async with bench.rig(NAME) as rig:
        sides = await lb_and_plain(rig)
        collections = {
            subject.name: await subject.filled_collection(plan.documents)
            for subject in (sides.ours, sides.theirs)
        }
        figures: list[Figure] = []
        for clients in (1, 8):

            async def once(subject: Subject, clients: int = clients) -> Outcome:
                collection = collections[subject.name]
                seconds = plan.warmup_seconds, plan.window_seconds
                return await query_for(subject, collection, clients, *seconds)

            at = f"at_{clients}"
            found = await compare(bench, f"{NAME} {at}", same(sides.both), once, plan.rounds)
            rate, p50 = (0.85, None) if clients == 8 else (None, 1.2)
            figures += [
                found.rate_ratio(Goal(f"query_rate_ratio_{at}", Better.HIGHER, rate)),
                found.p50_ratio(Goal(f"query_p50_ratio_{at}", Better.LOWER, p50)),
                *found.absolute("query", at),
            ]
    return figures


async def query_for(
    subject: Subject,
    collection: str,
    clients: int,
    warmup_seconds: float,
    window_seconds: float,
) -> Outcome:
    """Let clients search a collection for a while."""
    order = Order(
        port=subject.port,
        sort=Sort.QUERY,
        collections=(collection,),
        clients=clients,
        warmup_seconds=warmup_seconds,
        window_seconds=window_seconds,
    )
    return await run_load(order)
