"""The recovery webhook tells of every recovery at least once, and never disturbs a write."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web

from harness.labs.ports import PortReservations
from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.integration.lb.calls import COLLECTIONS, create, eventually, is_quiet


@dataclass
class Receiver:
    """A real HTTP server that notes what it is told, and answers a status."""

    url: str
    status: int = 503
    told: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.json()
        if self.status < 300:
            self.told.append(body)
        else:
            self.refused += 1
        return web.Response(status=self.status)


@asynccontextmanager
async def a_receiver() -> AsyncIterator[Receiver]:
    ports = PortReservations()
    port = ports.reserve()
    receiver = Receiver(f"http://127.0.0.1:{port}/recovered?key=1")
    app = web.Application()
    app.router.add_post("/recovered", receiver.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield receiver
    finally:
        await runner.cleanup()
        ports.release()


async def send(lb: httpx.AsyncClient, transaction: str) -> int:
    body = {"ids": [transaction], "embeddings": [[1, 2]]}
    headers = {"Transaction-ID": transaction}
    return (await lb.post(f"{COLLECTIONS}/hooked/add", json=body, headers=headers)).status_code


async def test_a_recovery_is_told_in_the_end_although_receiver_and_load_balancer_fail(
    tmp_path: Path,
) -> None:
    async with a_receiver() as receiver:
        settings = ("WRITE_TIMEOUT_SECONDS=2", f"RECOVERY_WEBHOOK_URL={receiver.url}")
        command = ("env", *settings, sys.executable, "-m", "lb")
        lab = ProcessLab(ProcessLabSettings(tmp_path / "lab", lb_command=command))
        await lab.start()
        try:
            async with httpx.AsyncClient(base_url=lab.lb_url, timeout=30) as lb:
                await recover_one(lab, lb, receiver)
                await lab.kill("lb")
                await lab.restart("lb")
                receiver.status = 204

                async def is_told() -> bool:
                    return bool(receiver.told)

                await eventually(is_told, "the receiver is told")
                expected = (await lb.get("/transactions/hook-1")).json()
        finally:
            await lab.stop()
    (told,) = receiver.told
    del expected["body"]
    assert told["event"] == "transaction.recovered"
    assert told["transaction"] == expected
    assert expected["state"] == "RECOVERED"


async def recover_one(lab: ProcessLab, lb: httpx.AsyncClient, receiver: Receiver) -> None:
    """Recover a write while the receiver refuses; writes go on all the same."""
    await create(lb, "hooked")
    assert await send(lb, "completed") == 201
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    await lab.kill("primary")
    await lab.kill("replica")
    assert await send(lb, "hook-1") == 503
    await lab.restart("primary")
    await lab.restart("replica")

    async def is_refused_twice() -> bool:
        return receiver.refused >= 2

    await eventually(is_refused_twice, "the receiver has refused, and was tried again")
    assert await send(lb, "completed-2") == 201
    assert (await lb.get("/transactions/hook-1")).json()["state"] == "RECOVERED"
    await eventually(lambda: is_quiet(lb), "the instances are equal")
