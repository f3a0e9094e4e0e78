"""The front of the Kubernetes manifests, a real HAProxy, before two real load balancers."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from harness.labs.ports import PortReservations
from harness.labs.processes import ProcessLab
from tests.integration.lb.calls import add, create, eventually, ids_in
from tests.integration.lb.moving_clients import Writers, has_role
from tests.integration.lb.name_server import naming
from tests.integration.lb.test_start import another_lb, environment

CONFIGURATION = Path(__file__).parents[3] / "compose/kubernetes/base/haproxy.cfg"
HAPROXY = shutil.which("haproxy")

pytestmark = pytest.mark.skipif(
    HAPROXY is None, reason="there is no HAProxy; `make deploy-tools` installs it where it can"
)


class Pods:
    """Where two load balancers and the front listen, and the name that the cluster has for both."""

    NAME = "lb-pods.chroma.svc.cluster.local"
    HOSTS = ("127.0.0.2", "127.0.0.3")

    def __init__(self, ports: PortReservations) -> None:
        self.port, self.front_port, self.inner_port = (ports.reserve() for _ in range(3))
        self.urls = [f"http://{host}:{self.port}" for host in self.HOSTS]

    def environments(self, lab: ProcessLab) -> list[dict[str, str]]:
        return [environment(lab, HOST=host, PORT=str(self.port)) for host in self.HOSTS]

    def as_it_is_here(self, name_server_port: int) -> str:
        """Return the configuration with other ports, and another name server; all else stays."""
        text = CONFIGURATION.read_text()
        for there, here in {
            "bind :8000": f"bind 127.0.0.1:{self.front_port}",
            "127.0.0.1:8001": f"127.0.0.1:{self.inner_port}",
            "${LB_PODS}:8000": f"${{LB_PODS}}:{self.port}",
            "parse-resolv-conf": f"nameserver test 127.0.0.1:{name_server_port}",
        }.items():
            assert there in text
            text = text.replace(there, here)
        return text


@asynccontextmanager
async def front(pods: Pods, directory: Path) -> AsyncIterator[str]:
    """Run HAProxy with the configuration of the manifests, and the name server that it asks."""
    configuration = directory / "haproxy.cfg"
    async with naming(pods.NAME, list(pods.HOSTS)) as name_server_port:
        configuration.write_text(pods.as_it_is_here(name_server_port))
        process = await asyncio.create_subprocess_exec(
            *(str(HAPROXY), "-db", "-f", str(configuration)),
            env={**os.environ, "LB_PODS": pods.NAME},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield f"http://127.0.0.1:{pods.front_port}"
        finally:
            process.kill()
            await process.wait()


async def test_clients_reach_the_active_one_only_and_notice_no_rollout(
    lb: httpx.AsyncClient, lab: ProcessLab, tmp_path: Path
) -> None:
    await create(lb, "fronted")
    await lab.kill("lb")
    ports = PortReservations()
    pods = Pods(ports)
    urls, (first, second) = pods.urls, pods.environments(lab)
    async with front(pods, tmp_path) as url, another_lb(first) as old:
        await eventually(lambda: has_role(urls[0], "active"), "the first one serves")
        async with another_lb(second) as new:
            await eventually(lambda: has_role(urls[1], "standby"), "the second one stands by")
            # The front may not have asked the first one yet: it asks twice a second.
            await eventually(lambda: knows_the_active_one(url, urls[1]), "the front knows it")
            writers = Writers(url, "fronted")

            async def standby_is_spared() -> bool:
                before = await served(urls[1])
                await writers.more()
                return await served(urls[1]) == before

            # On a busy machine one answer to the front may be late, and the standby gets a turn.
            await eventually(standby_is_spared, "the standby is given nothing any more")

            old.send_signal(signal.SIGTERM)
            assert await old.wait() == 0
            await writers.more()
            await writers.stop()
            assert await has_role(urls[1], "active")
            async with httpx.AsyncClient(base_url=url, timeout=30) as client:
                assert sorted(await ids_in(client, "fronted")) == sorted(writers.acknowledged)
            new.send_signal(signal.SIGTERM)
            await new.wait()
    ports.release()


async def test_a_request_that_comes_when_the_active_one_was_killed_waits_for_the_standby(
    lb: httpx.AsyncClient, lab: ProcessLab, tmp_path: Path
) -> None:
    await create(lb, "fronted-after-a-kill")
    await lab.kill("lb")
    ports = PortReservations()
    pods = Pods(ports)
    urls, (first, second) = pods.urls, pods.environments(lab)
    async with front(pods, tmp_path) as url, another_lb(first) as old:
        await eventually(lambda: has_role(urls[0], "active"), "the first one serves")
        async with (
            another_lb(second),
            httpx.AsyncClient(base_url=url, timeout=60) as client,
        ):
            await eventually(lambda: has_role(urls[1], "standby"), "the second one stands by")
            assert (await add(client, "fronted-after-a-kill", "a")).status_code == 201
            old.kill()
            await old.wait()
            assert (await add(client, "fronted-after-a-kill", "b")).status_code == 201
            assert await ids_in(client, "fronted-after-a-kill") == ["a", "b"]
    ports.release()


async def knows_the_active_one(front_url: str, standby_url: str) -> bool:
    """Tell whether ten requests in a row spare the standby."""
    before = await served(standby_url)
    async with httpx.AsyncClient(base_url=front_url) as client:
        for _ in range(10):
            await client.get("/api/v2/heartbeat")
    return await served(standby_url) == before


async def served(url: str) -> int:
    async with httpx.AsyncClient(base_url=url) as client:
        return int((await client.get("/status")).json()["requests"]["served"])
