"""The servers of a compose lab, each in a container, at published ports of 127.0.0.1."""

from collections.abc import Awaitable, Callable

from harness.labs.containers.container import Container
from harness.labs.readiness import answers_ok, postgres_accepts, probe_client
from harness.labs.toxiproxy import ProxyRoute, ToxiproxyServer


class ContainerServer:
    """A server that is started when it answers."""

    def __init__(
        self, process: Container, url: str, answers: Callable[[], Awaitable[bool]]
    ) -> None:
        self.process = process
        self.url = url
        self._answers = answers

    async def start(self, timeout_seconds: float) -> None:
        """Start it and return when it answers."""
        await self.process.start(self._answers, timeout_seconds)


def chroma_in(container: Container, port: int) -> ContainerServer:
    """Make an instance, which answers heartbeats."""
    url = f"http://127.0.0.1:{port}"

    async def answers() -> bool:
        async with probe_client() as client:
            return await answers_ok(client, f"{url}/api/v2/heartbeat")

    return ContainerServer(container, url, answers)


def postgres_in(container: Container, port: int, url: str) -> ContainerServer:
    """Make the database, which lets sessions in."""

    async def answers() -> bool:
        return await postgres_accepts(port)

    return ContainerServer(container, url, answers)


class ToxiproxyContainer(ToxiproxyServer):
    """Toxiproxy, reached where the load balancer reaches it.

    A published port would be no proof: what publishes it accepts every connection first.
    """

    process: Container

    def __init__(
        self, process: Container, port: int, routes: tuple[ProxyRoute, ...], network: str
    ) -> None:
        super().__init__(process, port, routes)
        self._network = network
        self.address = ""

    async def start(self, timeout_seconds: float) -> None:
        """Start it, and find out its address, which may be another one than before."""
        await super().start(timeout_seconds)
        self.address = self.process.address_in(self._network)
