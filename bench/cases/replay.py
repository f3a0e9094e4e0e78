"""Replay of a backlog: how fast a replica that was down catches up, beside writing one by one.

The same number of single documents is written through the load balancer while the replica is
down; the time counts from the replica's first heartbeat until it has them all, which is read from
the replica itself. One client writes as many, one after another, to plain Chroma.
"""

import time

import httpx

from bench.comparing import Goal, stated
from bench.figure import Better, Figure
from bench.generator import run_load
from bench.order import Order, Outcome, Sort
from bench.plan import Bench
from bench.requests import COLLECTIONS
from bench.rounds import ratio_of_medians, spread
from bench.subjects import PLAIN, Sides, Subject, lb_and_plain
from harness.errors import HarnessError
from harness.labs.readiness import probe_client
from harness.polling import poll_until

NAME = "replay"
_WRITERS = 32
_CATCH_UP_SECONDS = 120.0
_LOOK_SECONDS = 0.02


async def measure(bench: Bench) -> list[Figure]:
    """Measure the replay and the writing one by one in turn: A B, B A."""
    replayed: list[float] = []
    one_by_one: list[float] = []
    rounds = bench.rounds_of(2 / 3)
    async with bench.rig(NAME) as rig:
        sides = await lb_and_plain(rig)
        for turn in range(rounds):
            for is_replay in (True, False) if turn % 2 == 0 else (False, True):
                if is_replay:
                    replayed.append(await _replay_rate(bench, sides))
                else:
                    one_by_one.append((await _write(bench, sides.theirs, 1)).rate)
                    bench.tell(f"{NAME}: {PLAIN}, one by one: {one_by_one[-1]:.1f} documents/s")
    bench.detail[NAME] = {"replayed": replayed, "one by one": one_by_one}
    ratio = ratio_of_medians(replayed, one_by_one, per_round=1)
    if ratio is None:
        raise HarnessError("plain Chroma took no document; see its log")
    note = f"{bench.plan.backlog} entries, from the replica's first heartbeat"
    rates = Goal("replay_rate", Better.HIGHER), Goal("one_by_one_rate", Better.HIGHER)
    return [
        stated(Goal("replay_ratio", Better.HIGHER, 15.0), ratio, "x", NAME, rounds, note),
        stated(rates[0], spread(replayed), "1/s", NAME, rounds),
        stated(rates[1], spread(one_by_one), "1/s", NAME, rounds),
    ]


async def _replay_rate(bench: Bench, sides: Sides) -> float:
    """Write while the replica is down; return the documents per second of its catching up."""
    replica = sides.behind.instances[1]
    collection = await sides.ours.new_collection()
    await sides.ours.rest()
    on_replica = await _uuid_on(sides, replica.url, collection)
    await replica.process.kill()
    written = await _write(bench, sides.ours, _WRITERS, collection)
    await sides.behind.restart(replica)
    began = time.perf_counter()
    direct = Subject("replica", replica.url)

    async def see() -> bool:
        return await direct.count(on_replica) >= written.completed

    await poll_until(
        see,
        _CATCH_UP_SECONDS,
        lambda: HarnessError(f"the replica did not catch up within {_CATCH_UP_SECONDS:g} s"),
        interval_seconds=_LOOK_SECONDS,
    )
    seconds = time.perf_counter() - began
    await sides.ours.rest()
    bench.tell(f"{NAME}: {written.completed} documents replayed in {seconds:.2f} s")
    return written.completed / seconds


async def _write(
    bench: Bench, subject: Subject, clients: int, collection: str | None = None
) -> Outcome:
    order = Order(
        port=subject.port,
        sort=Sort.ADD,
        collections=(collection or await subject.new_collection(),),
        clients=clients,
        window_seconds=_CATCH_UP_SECONDS,
        count=bench.plan.backlog,
        retries=True,
    )
    outcome = await run_load(order)
    bench.note(f"{NAME}, writing to {subject.name}", outcome)
    if outcome.completed < bench.plan.backlog:
        raise HarnessError(f"{subject.name} took {outcome.completed} of {bench.plan.backlog}")
    return outcome


async def _uuid_on(sides: Sides, instance_url: str, collection: str) -> str:
    """Find the id that an instance has for a collection."""
    async with probe_client() as client:
        by_id = await client.get(f"{sides.ours.url}{COLLECTIONS}")
        name = next(each["name"] for each in by_id.json() if each["id"] == collection)
        found: httpx.Response = await client.get(f"{instance_url}{COLLECTIONS}/{name}")
    return str(found.json()["id"])
