"""What the load balancer itself costs: requests per second of processor time, beside nginx.

All pass the same small read on to the same two upstreams, which answer at once. What one core
gives is what counts, so processor time of the proxy's processes is measured, not time of day.
nginx is measured with connections to the upstreams that are kept, as ours are, and as it does by
default, with a new one for each request.
"""

from dataclasses import dataclass

import msgspec

from bench import nginx
from bench.comparing import Comparison, Goal, compare, same, skipped
from bench.figure import Better, Figure
from bench.generator import run_load
from bench.order import Order, Outcome, Sort
from bench.plan import Bench
from bench.rig import Rig, Server, cpu_seconds
from bench.subjects import LB, Subject

NAME = "upstream"
_NGINX, _PLAIN_NGINX = "nginx", "nginx-by-default"
_CLIENTS = 8
_RATIO = Goal("proxy_requests_per_cpu_second_ratio", Better.HIGHER, 0.30)
_PLAIN_RATIO = Goal("proxy_requests_per_cpu_second_ratio_nginx_by_default", Better.HIGHER, 0.30)
_OURS = Goal("proxy_requests_per_cpu_second", Better.HIGHER)
_THEIRS = Goal("nginx_requests_per_cpu_second", Better.HIGHER)
_PLAIN_THEIRS = Goal("nginx_by_default_requests_per_cpu_second", Better.HIGHER)


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
        ratios = [skipped(goal, "x", NAME, nginx.ABSENT) for goal in (_RATIO, _PLAIN_RATIO)]
        rates = (_OURS, _THEIRS, _PLAIN_THEIRS)
        return ratios + [skipped(goal, "1/s", NAME, nginx.ABSENT) for goal in rates]
    async with bench.rig(NAME) as rig:
        ours, kept, plain = await _start(rig, program)
        found = await _compare(bench, ours, kept)
        beside_plain = await _compare(bench, ours, plain)
    return [
        found.rate_ratio(_RATIO),
        beside_plain.rate_ratio(_PLAIN_RATIO),
        found.our_rate(_OURS),
        found.their_rate(_THEIRS),
        beside_plain.their_rate(_PLAIN_THEIRS),
    ]


async def _compare(bench: Bench, ours: _Proxy, theirs: _Proxy) -> Comparison:
    proxies = {LB: ours, theirs.subject.name: theirs}

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

    label = f"{NAME} {theirs.subject.name}"
    sides = same((ours.subject, theirs.subject))
    return await compare(bench, label, sides, once, bench.plan.rounds)


async def _start(rig: Rig, program: str) -> tuple[_Proxy, _Proxy, _Proxy]:
    ports = rig.port(), rig.port()
    for number, port in enumerate(ports):
        inside = nginx.trivial_upstream(port)
        await rig.add(nginx.NginxServer(program, f"upstream-{number}", port, inside, rig))
    beside = []
    for name, configuration in ((_NGINX, nginx.proxy), (_PLAIN_NGINX, nginx.plain_proxy)):
        port = rig.port()
        proxy = nginx.NginxServer(program, name, port, configuration(port, ports), rig)
        await rig.add(proxy)
        beside.append(_Proxy(Subject(name, proxy.url), proxy, nginx.COLLECTION_ID))
    postgres = await rig.postgres()
    lb = await rig.load_balancer([f"http://127.0.0.1:{port}" for port in ports], postgres.url)
    ours = Subject(LB, lb.url)
    kept, plain = beside
    return _Proxy(ours, lb, await ours.new_collection(nginx.COLLECTION_NAME)), kept, plain
