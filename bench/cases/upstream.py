"""What the load balancer itself costs: requests per second of processor time, beside nginx.

Both pass the same small read on to the same two upstreams, which answer at once. What one core
gives is what counts, so processor time of the proxy's processes is measured, not time of day.
"""

from dataclasses import dataclass

import msgspec

from bench import nginx
from bench.comparing import Comparison, Goal, compare, skipped
from bench.figure import Better, Figure
from bench.generator import run_load
from bench.order import Order, Outcome, Sort
from bench.plan import Bench
from bench.rig import Rig, Server, cpu_seconds
from bench.subjects import LB, Subject

NAME = "upstream"
_NGINX = "nginx"
_CLIENTS = 8
_RATIO = Goal("proxy_requests_per_cpu_second_ratio", Better.HIGHER, 0.30)
_OURS = Goal("proxy_requests_per_cpu_second", Better.HIGHER)
_THEIRS = Goal("nginx_requests_per_cpu_second", Better.HIGHER)


@dataclass(frozen=True)
class _Proxy:
    """A proxy before the trivial upstreams, and the collection that is read through it."""

    subject: Subject
    server: Server
    collection: str


async def measure(bench: Bench) -> list[Figure]:
    """Measure both, or say that there is no nginx."""
    program = nginx.find_nginx()
    if program is None:
        bench.tell(f"{NAME}: {nginx.ABSENT}")
        units = ((_RATIO, "x"), (_OURS, "1/s"), (_THEIRS, "1/s"))
        return [skipped(goal, unit, NAME, nginx.ABSENT) for goal, unit in units]
    async with bench.rig(NAME) as rig:
        ours, theirs = await _start(rig, program)
        found = await _compare(bench, ours, theirs)
    return [
        found.rate_ratio(_RATIO),
        found.our_rate(_OURS),
        found.their_rate(_THEIRS),
    ]


async def _compare(bench: Bench, ours: _Proxy, theirs: _Proxy) -> Comparison:
    proxies = {LB: ours, _NGINX: theirs}

    async def once(subject: Subject) -> Outcome:
        proxy = proxies[subject.name]
        order = Order(
            port=subject.port,
            sort=Sort.GET,
            collections=(proxy.collection,),
            clients=_CLIENTS,
            window_seconds=bench.plan.window_seconds,
        )
        before = cpu_seconds(proxy.server)
        outcome = await run_load(order)
        # With the processor time in the place of the time of day, the rate is what a core gives.
        spent_seconds = cpu_seconds(proxy.server) - before
        return msgspec.structs.replace(outcome, seconds=spent_seconds)

    return await compare(bench, NAME, (ours.subject, theirs.subject), once, bench.plan.rounds)


async def _start(rig: Rig, program: str) -> tuple[_Proxy, _Proxy]:
    ports = rig.port(), rig.port()
    for number, port in enumerate(ports):
        inside = nginx.trivial_upstream(port)
        await rig.add(nginx.NginxServer(program, f"upstream-{number}", port, inside, rig))
    port = rig.port()
    proxy = nginx.NginxServer(program, _NGINX, port, nginx.proxy(port, ports), rig)
    await rig.add(proxy)
    postgres = await rig.postgres()
    lb = await rig.load_balancer([f"http://127.0.0.1:{port}" for port in ports], postgres.url)
    ours = Subject(LB, lb.url)
    return (
        _Proxy(ours, lb, await ours.new_collection(nginx.COLLECTION_NAME)),
        _Proxy(Subject(_NGINX, proxy.url), proxy, nginx.COLLECTION_ID),
    )
