"""Use case 5: between a failure and its detection no client operation fails, however it fails.

50 operations a second, open loop, latency from the intended start, on the preferred instance.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from harness.labs.base import Toxic
from harness.labs.processes import ProcessLab
from tests.integration.lb.calls import (
    COLLECTIONS,
    create,
    eventually,
    ids_on_instances,
    is_quiet,
)

pytestmark = pytest.mark.alone

RATE_PER_SECOND = 50
BEFORE_SECONDS, FAULT_SECONDS, AFTER_SECONDS = 1.5, 5.0, 1.5
NAMES = [f"gap-{n}" for n in range(6)]


@asynccontextmanager
async def killed(lab: ProcessLab) -> AsyncIterator[None]:
    await lab.kill("primary")
    yield
    await lab.restart("primary")


@asynccontextmanager
async def paused(lab: ProcessLab) -> AsyncIterator[None]:
    identity = lab.processes()["primary"].identity
    assert identity is not None
    os.kill(identity.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(identity.pid, signal.SIGCONT)


def toxic(
    kind: str, **attributes: int
) -> Callable[[ProcessLab], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def poisoned(lab: ProcessLab) -> AsyncIterator[None]:
        toxics = [Toxic(kind, stream, attributes) for stream in ("upstream", "downstream")]
        await lab.degrade("primary", toxics)
        try:
            yield
        finally:
            await lab.mend("primary")

    return poisoned


@asynccontextmanager
async def flapping(lab: ProcessLab) -> AsyncIterator[None]:
    stop = asyncio.Event()

    async def flap() -> None:
        while not stop.is_set():
            await lab.kill("primary")
            await lab.restart("primary")
            await wait(stop, 1.0)

    task = asyncio.create_task(flap(), name="flapping")
    yield
    stop.set()
    await task


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Let the workload go on for a time, or until the event."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


@dataclass
class Load:
    """Every operation's latency from its intended start, and what failed."""

    client: httpx.AsyncClient
    latencies: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    acknowledged: dict[str, list[str]] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        rng = random.Random(7)
        start = time.monotonic()
        async with asyncio.TaskGroup() as operations:
            for number in range(100_000):
                intended = start + number / RATE_PER_SECOND
                await wait(stop, max(0.0, intended - time.monotonic()))
                if stop.is_set():
                    return
                name, is_write = rng.choice(NAMES), rng.random() < 0.3
                operations.create_task(self._operation(name, f"d{number}", is_write, intended))

    async def _operation(self, name: str, document: str, is_write: bool, intended: float) -> None:
        body: dict[str, object] = {"limit": 5}
        if is_write:
            body = {"ids": [document], "embeddings": [[1.0, 2.0]], "documents": [document]}
        path = f"{COLLECTIONS}/{name}/{'upsert' if is_write else 'get'}"
        try:
            answer = await self.client.post(path, json=body)
            failure = "" if answer.is_success else f"{answer.status_code} {answer.text}"
        except httpx.HTTPError as error:
            failure = repr(error)
        self.latencies.append(time.monotonic() - intended)
        if failure:
            self.failures.append(failure)
        elif is_write:
            self.acknowledged.setdefault(name, []).append(document)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(killed, id="SIGKILL"),
        pytest.param(paused, id="SIGSTOP"),
        pytest.param(toxic("timeout", timeout=0), id="black hole"),
        pytest.param(toxic("reset_peer", timeout=0), id="reset"),
        pytest.param(toxic("latency", latency=1000), id="2 s latency"),
        pytest.param(flapping, id="flapping"),
    ],
)
async def test_no_operation_fails_while_the_preferred_instance_does(
    lb: httpx.AsyncClient,
    lab: ProcessLab,
    fault: Callable[[ProcessLab], AbstractAsyncContextManager[None]],
) -> None:
    for name in NAMES:
        await lb.delete(f"{COLLECTIONS}/{name}")
        await create(lb, name)
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    stop = asyncio.Event()
    limits = httpx.Limits(max_connections=500)
    async with httpx.AsyncClient(base_url=lab.lb_url, timeout=30, limits=limits) as client:
        load = Load(client)
        running = asyncio.create_task(load.run(stop), name="load")
        await wait(stop, BEFORE_SECONDS)
        async with fault(lab):
            await wait(stop, FAULT_SECONDS)
        await wait(stop, AFTER_SECONDS)
        stop.set()
        await running
    assert load.failures == []
    ordered = sorted(load.latencies)
    p99 = ordered[int(len(ordered) * 0.99)]
    assert p99 <= 1.5, f"p99 {p99:.2f} s, worst {ordered[-1]:.2f} s of {len(ordered)}"
    await eventually(lambda: is_quiet(lb), "the primary has caught up", 20)
    for name, documents in load.acknowledged.items():
        found = await ids_on_instances(lab, name)
        assert sorted(found["primary"]) == sorted(found["replica"]) == sorted(documents)
