"""The load balancer is killed at every failpoint, for every kind of write, and started again.

A plain Chroma server, which nobody kills, says what each write does when it is applied once.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from harness.labs.ports import PortReservations
from harness.labs.processes import ProcessLab
from lb.failpoints import CRASH_STATUS, POINTS, Connection
from tests.integration.lb.calls import eventually, is_quiet
from tests.integration.lb.crash_cases import CASES, Contents, Place, contents, located, seed
from tests.integration.lb.forked_lb import ForkedLoadBalancer

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


def failures() -> list[tuple[str, str]]:
    """Return every failpoint where a connection can break, with the most delicate writes."""
    return [
        (failpoint, kind)
        for failpoint, kind in crashes()
        if POINTS[failpoint.split(":")[0]].connection is not Connection.NONE
        and failpoint not in HEDGED
        and kind in ("create", "delete-limit", "drop")
    ]


def transaction_of(failpoint: str, kind: str) -> str:
    return f"{failpoint.replace(':', '-')}-{kind}"


def armed(failpoint: str, kind: str) -> str:
    only = f"[transaction={transaction_of(failpoint, kind)}]"
    lead = f";before-send:primary{only}=hang" if failpoint in HEDGED else ""
    return f"{failpoint}{only}=crash{lead}"


@dataclass(frozen=True)
class Expected:
    """What a plain server answered, and what it held before, after it, and after later writes."""

    answer: httpx.Response
    before: Contents
    after_write: Contents
    after_later: Contents


class Bench:
    """A lab whose load balancer is ours to start, and clients of it and of each instance.

    A start is most of a case's time, so whoever recovers from one crash dies in the next: it is
    armed with all crashes that have not happened, each for one transaction.
    """

    def __init__(
        self,
        balancer: ForkedLoadBalancer,
        lb: httpx.AsyncClient,
        instances: tuple[httpx.AsyncClient, ...],
    ) -> None:
        self.balancer = balancer
        self.lb = lb
        self.instances = instances
        self._coming = {transaction_of(*crash): armed(*crash) for crash in crashes()}
        self._failures = [f"{at}[transaction=broken-{at}-{kind}]=fail@1" for at, kind in failures()]

    async def start(self) -> None:
        """Start the load balancer; every crash that is to come is armed."""
        failpoints = ";".join((*self._coming.values(), *self._failures))
        await self.balancer.start(FAILPOINTS_ENABLED="true", FAILPOINTS=failpoints)

    async def recover(self, transaction: str) -> None:
        """Wait for the crash of a transaction, and start the load balancer without that one."""
        del self._coming[transaction]
        assert await self.balancer.ended() == CRASH_STATUS, "the failpoint was not reached"
        await self.start()

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
        # The barrier after each crash takes that long; test_lead.py has it in full length.
        "LATE_SETTLE_SECONDS": "0.1",
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
        balancer = ForkedLoadBalancer(environment, lb, log_path)
        bench = Bench(balancer, lb, tuple(direct))
        try:
            await bench.start()
            yield bench
        finally:
            balancer.kill()
            ports.release()


@pytest.mark.parametrize(("failpoint", "kind"), crashes())
async def test_a_crash_loses_no_write_and_applies_none_twice(
    bench: Bench, expected: dict[str, Expected], failpoint: str, kind: str
) -> None:
    case, wanted = CASES[kind], expected[kind]
    name = transaction = transaction_of(failpoint, kind)
    place = await seed(bench.lb, case, name)
    answer: httpx.Response | None = None
    try:
        answer = await case.write.send(bench.lb, place, transaction)
    except httpx.TransportError:
        assert failpoint not in ANSWERED
    await bench.recover(transaction)
    await bench.all_hold(place, wanted.before if failpoint in UNLOGGED else wanted.after_write)
    first = await case.write.send(bench.lb, place, transaction)
    assert first.status_code == wanted.answer.status_code, first.text
    assert answer is None or answer.json() == first.json()
    assert "id" in first.json() or first.json() == wanted.answer.json()
    if failpoint in UNLOGGED:
        await bench.all_hold(place, wanted.after_write)
    place = place if place.id else await located(bench.lb, place)
    for write in case.later:
        assert (await write.send(bench.lb, place)).is_success
    again = await case.write.send(bench.lb, place, transaction)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    await bench.all_hold(place, wanted.after_later)


@pytest.mark.parametrize(("failpoint", "kind"), failures())
async def test_a_connection_that_breaks_costs_at_most_a_repetition(
    bench: Bench, expected: dict[str, Expected], failpoint: str, kind: str
) -> None:
    """A 503 is given only for what is not in the log; a lost COMMIT is looked up there."""
    case, wanted = CASES[kind], expected[kind]
    transaction = f"broken-{failpoint}-{kind}"
    place = await seed(bench.lb, case, transaction.replace(":", "-"))
    answer = await case.write.send(bench.lb, place, transaction)
    if failpoint in UNLOGGED:
        assert answer.status_code == 503
        await bench.all_hold(place, wanted.before)

        async def repeated() -> httpx.Response | None:
            repetition = await case.write.send(bench.lb, place, transaction)
            return None if repetition.status_code == 503 else repetition

        answer = await eventually(repeated, "the log takes writes again")
    assert answer.status_code == wanted.answer.status_code, answer.text
    await bench.all_hold(place, wanted.after_write)
    again = await case.write.send(bench.lb, place, transaction)
    assert (again.status_code, again.json()) == (answer.status_code, answer.json())
