"""The load balancer is killed at every failpoint, for every kind of write, and started again.

A plain Chroma server, which nobody kills, says what each write does when it is applied once.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from harness.labs.ports import PortReservations
from harness.labs.processes import ProcessLab
from lb.failpoints import CRASH_STATUS, POINTS
from tests.integration.lb.calls import eventually, is_quiet
from tests.integration.lb.crash_cases import CASES, Contents, Place, contents, located, seed
from tests.integration.lb.forked_lb import ForkedLoadBalancers, forked_load_balancers

INSTANCES = ("primary", "replica")
UNLOGGED = frozenset({"before-append", "before-commit"})
"""Here the write is in no log yet: it has no effect."""
ANSWERED = frozenset({"before-cursor:primary", "after-cursor:primary"})
"""Here the client has its answer already, which nobody may contradict."""
HEDGED = frozenset({"before-resolve:replica", "after-resolve:replica"})
"""Here only the instance comes that is asked first, as the replica is when the primary hangs."""
FAILPOINTS = [
    f"{name}:{instance}" if point.of_instance else name
    for name, point in POINTS.items()
    for instance in (INSTANCES if point.of_instance else ("",))
]


def crashes() -> list[tuple[str, str]]:
    """Return every failpoint with every kind of write that reaches it."""
    return [
        (failpoint, name)
        for failpoint in FAILPOINTS
        for name, case in CASES.items()
        if case.is_conditional or "resolve" not in failpoint
    ]


@dataclass(frozen=True)
class Expected:
    """What a plain server answered, and what it held before, after it, and after later writes."""

    answer: httpx.Response
    before: Contents
    after_write: Contents
    after_later: Contents


@dataclass(frozen=True)
class Bench:
    """A lab whose load balancer is ours to start, and clients of it and of each instance."""

    balancers: ForkedLoadBalancers
    lb: httpx.AsyncClient
    instances: tuple[httpx.AsyncClient, ...]

    async def all_hold(self, place: Place, wanted: Contents) -> None:
        """Assert that every instance, asked directly at rest, holds exactly this."""
        await eventually(lambda: is_quiet(self.lb), "every instance has applied the log")
        for instance in self.instances:
            assert await contents(instance, place) == wanted


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def expected(plain: httpx.AsyncClient) -> dict[str, Expected]:
    found = {}
    for name, case in CASES.items():
        place = await seed(plain, case, name)
        before = await contents(plain, place)
        answer = await case.write.send(plain, place)
        after_write = await contents(plain, place)
        place = place if place.id else await located(plain, place)
        for write in case.later:
            assert (await write.send(plain, place)).is_success
        found[name] = Expected(answer, before, after_write, await contents(plain, place))
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(lab: ProcessLab, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    await lab.kill("lb")
    ports = PortReservations()
    urls = lab.proxied_urls()
    environment = {
        "PRIMARY_URL": urls["primary"],
        "REPLICA_URL": urls["replica"],
        "DATABASE_URL": urls["postgres"],
    }
    log_path: Path = tmp_path_factory.mktemp("crashes") / "lb.log"
    async with AsyncExitStack() as stack:

        async def client(url: str) -> httpx.AsyncClient:
            return await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))

        direct = [await client(instance.url) for instance in lab.instances]
        lb = await client(f"http://127.0.0.1:{ports.reserve()}")
        yield Bench(forked_load_balancers(environment, lb, log_path), lb, tuple(direct))
    ports.release()


@pytest.mark.parametrize(("failpoint", "kind"), crashes())
async def test_a_crash_loses_no_write_and_applies_none_twice(
    bench: Bench, expected: dict[str, Expected], failpoint: str, kind: str
) -> None:
    case, wanted = CASES[kind], expected[kind]
    name = transaction = f"{failpoint.replace(':', '-')}-{kind}"
    armed = f"{failpoint}[transaction={transaction}]=crash"
    if failpoint in HEDGED:
        armed += f";before-send:primary[transaction={transaction}]=hang"
    async with bench.balancers.running(FAILPOINTS_ENABLED="true", FAILPOINTS=armed) as process:
        place = await seed(bench.lb, case, name)
        answer: httpx.Response | None = None
        try:
            answer = await case.write.send(bench.lb, place, transaction)
        except httpx.TransportError:
            assert failpoint not in ANSWERED
        await asyncio.to_thread(process.join, 10)
        assert process.exitcode == CRASH_STATUS, "it was not reached"
    async with bench.balancers.running():
        await bench.all_hold(place, wanted.before if failpoint in UNLOGGED else wanted.after_write)
        first = await case.write.send(bench.lb, place, transaction)
        assert first.status_code == wanted.answer.status_code, first.text
        assert answer is None or answer.json() == first.json()
        if failpoint in UNLOGGED:
            await bench.all_hold(place, wanted.after_write)
        place = place if place.id else await located(bench.lb, place)
        for write in case.later:
            assert (await write.send(bench.lb, place)).is_success
        again = await case.write.send(bench.lb, place, transaction)
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        await bench.all_hold(place, wanted.after_later)
