"""The front of the Kubernetes manifests, a real HAProxy, before two real load balancers."""

import asyncio
import re
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
from tests.integration.lb.test_start import another_lb, environment

CONFIGURATION = Path(__file__).parents[3] / "compose/kubernetes/base/haproxy.cfg"
HAPROXY = shutil.which("haproxy")

pytestmark = pytest.mark.skipif(
    HAPROXY is None, reason="there is no HAProxy; `make deploy-tools` installs it where it can"
)


def as_it_is_here(port: int, *lb_ports: int) -> str:
    """Put servers at known addresses in the place of those that the cluster's DNS would name."""
    text = CONFIGURATION.read_text().replace("bind :8000", f"bind 127.0.0.1:{port}")
    text = re.sub(r"(?ms)^resolvers .*?(?=^defaults)", "", text)

    def servers(match: re.Match[str]) -> str:
        options = match["options"].replace(" resolvers cluster", "")
        return "\n".join(
            f"    server {match['prefix']}{number} 127.0.0.1:{lb_port}{options}"
            for number, lb_port in enumerate(lb_ports, start=1)
        )

    pattern = r"(?m)^    server-template (?P<prefix>\w+) \d+ lb-pods:8000(?P<options>.*)$"
    text, replaced = re.subn(pattern, servers, text)
    assert replaced == 2
    return text


@asynccontextmanager
async def front(directory: Path, port: int, *lb_ports: int) -> AsyncIterator[str]:
    """Run HAProxy with the configuration of the manifests."""
    configuration = directory / "haproxy.cfg"
    configuration.write_text(as_it_is_here(port, *lb_ports))
    process = await asyncio.create_subprocess_exec(
        *(str(HAPROXY), "-db", "-f", str(configuration)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


async def test_clients_reach_the_active_one_only_and_notice_no_rollout(
    lb: httpx.AsyncClient, lab: ProcessLab, tmp_path: Path
) -> None:
    await create(lb, "fronted")
    await lab.kill("lb")
    ports = PortReservations()
    numbers = [ports.reserve() for _ in range(3)]
    urls = [f"http://127.0.0.1:{number}" for number in numbers[1:]]
    first, second = (environment(lab, PORT=str(number)) for number in numbers[1:])
    async with front(tmp_path, *numbers) as url, another_lb(first) as old:
        await eventually(lambda: has_role(urls[0], "active"), "the first one serves")
        async with another_lb(second) as new:
            await eventually(lambda: has_role(urls[1], "standby"), "the second one stands by")
            writers = Writers(url, "fronted")
            # The front may not have asked the first one yet: it asks twice a second.
            await eventually(lambda: knows_the_active_one(url, urls[1]), "the front knows it")
            before = await served(urls[1])
            await writers.more()
            assert await served(urls[1]) == before, "the standby is given nothing any more"

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
    numbers = [ports.reserve() for _ in range(3)]
    urls = [f"http://127.0.0.1:{number}" for number in numbers[1:]]
    first, second = (environment(lab, PORT=str(number)) for number in numbers[1:])
    async with front(tmp_path, *numbers) as url, another_lb(first) as old:
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
