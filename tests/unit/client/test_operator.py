from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from harness.client import operator
from harness.client.operator import release_quarantined


class QuarantiningLb:
    """A load balancer that has set two writes aside, and answers as ours does."""

    def __init__(self, healthy: list[int]) -> None:
        self._healthy = healthy
        self.steps: list[str] = []

    async def status(self, _: web.Request) -> web.Response:
        healthy = self._healthy.pop(0) if len(self._healthy) > 1 else self._healthy[0]
        self.steps.append(f"healthy {healthy}")
        return web.json_response({"healthy_instances": healthy})

    async def quarantine(self, _: web.Request) -> web.Response:
        entries = [{"transaction_id": name} for name in ("one", "two")]
        return web.json_response({"quarantined": entries})

    async def release(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.steps.append(f"release {name}")
        return web.json_response({}, status=200 if name == "one" else 409)


@asynccontextmanager
async def serving(lb: QuarantiningLb | None) -> AsyncIterator[str]:
    app = web.Application()
    if lb is not None:
        app.router.add_get("/status", lb.status)
        app.router.add_get("/wal/quarantine", lb.quarantine)
        app.router.add_post("/admin/quarantine/{name}/release", lb.release)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_all_is_released_once_every_instance_is_healthy_and_counted_if_it_was() -> None:
    lb = QuarantiningLb(healthy=[1, 2])
    async with serving(lb) as url:
        assert await release_quarantined(url, instance_count=2) == 1
    assert lb.steps == ["healthy 1", "healthy 2", "release one", "release two"]


async def test_it_is_released_all_the_same_when_an_instance_stays_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(operator, "_HEALTHY_SECONDS", 0.1)
    lb = QuarantiningLb(healthy=[1])
    async with serving(lb) as url:
        assert await release_quarantined(url, instance_count=2) == 1


async def test_a_load_balancer_that_sets_nothing_aside_has_nothing_to_release() -> None:
    async with serving(None) as url:
        assert await release_quarantined(url, instance_count=2) == 0
    assert await release_quarantined(url, instance_count=2) == 0, "nor one that is gone"
