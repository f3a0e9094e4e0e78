"""Toxiproxy in the lab: the server process, and its API behind one honest class."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import requests
from toxiproxy.api import APIConsumer
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from harness.errors import LabError
from harness.labs.base import Toxic
from harness.labs.runnable import Runnable
from harness.labs.server_process import ServerCommand, ServerProcess
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace
from harness.parts.part import Part

_TIMEOUT_SECONDS = 5.0
# The lab talks to 127.0.0.1: a proxy from the environment must not get between.
_NO_PROXY = {"http": ""}


@dataclass(frozen=True)
class ProxyRoute:
    """One proxy: clients connect to `listen`, it connects to `upstream`; host and port each."""

    name: str
    listen: str
    upstream: str


class Toxiproxy:
    """The API of one Toxiproxy server; every answer that is not a success raises `LabError`.

    The client library keeps host and port in a class, for the whole program: a class of its own
    per server keeps two labs apart. Its functions block, so they run in a thread.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._consumer: Any = type("Consumer", (APIConsumer,), {"host": "127.0.0.1", "port": port})

    async def answers(self) -> bool:
        """Tell whether the API answers."""
        try:
            await self._call(self._consumer.get, "/version")
        except LabError:
            return False
        return True

    async def create(self, route: ProxyRoute) -> None:
        """Create a proxy, or replace the one of that name; it listens when this returns."""
        proxy = {
            "name": route.name,
            "listen": route.listen,
            "upstream": route.upstream,
            "enabled": True,
        }
        await self._call(self._consumer.post, "/populate", json=[proxy])

    async def enable(self, proxy: str, enabled: bool) -> None:
        """Let connections through, or refuse new ones and end those there are."""
        await self._call(self._consumer.post, f"/proxies/{proxy}", json={"enabled": enabled})

    async def add(self, proxy: str, toxic: Toxic) -> None:
        """Let all connections through the proxy suffer, those that are open too."""
        body = {
            "name": toxic.name,
            "type": toxic.kind,
            "stream": toxic.stream,
            "attributes": dict(toxic.attributes),
        }
        await self._call(self._consumer.post, f"/proxies/{proxy}/toxics", json=body)

    async def clear(self, proxy: str) -> None:
        """Enable the proxy and remove its toxics."""
        answer = await self._call(self._consumer.get, f"/proxies/{proxy}/toxics")
        for toxic in answer.json():
            await self._call(self._consumer.delete, f"/proxies/{proxy}/toxics/{toxic['name']}")
        await self.enable(proxy, enabled=True)

    async def _call(self, method: Callable[..., Any], path: str, **arguments: object) -> Any:
        try:
            answer = await asyncio.to_thread(
                method, path, timeout=_TIMEOUT_SECONDS, proxies=_NO_PROXY, **arguments
            )
            answer.raise_for_status()
        except (requests.RequestException, NotFound, ProxyExists, InvalidToxic) as error:
            raise LabError(
                f"toxiproxy at {self.url} refused {path}: {error}; see its log in the run directory"
            ) from error
        return answer


class ToxiproxyServer:
    """The server; its proxies are made anew, on their old ports, at every start.

    What was done to a proxy is remembered until it is mended, and done again after a start.
    """

    def __init__(self, process: Runnable, port: int, routes: tuple[ProxyRoute, ...]) -> None:
        self.process = process
        self.api = Toxiproxy(port)
        self.url = self.api.url
        self._routes = routes
        self._cut: set[str] = set()
        self._toxics: dict[str, list[Toxic]] = {}

    async def start(self, timeout_seconds: float) -> None:
        """Start it and return when every proxy listens."""
        await self.process.start(self.api.answers, timeout_seconds)
        for route in self._routes:
            await self.api.create(route)
        for proxy in self._cut:
            await self.api.enable(proxy, enabled=False)
        for proxy, toxics in self._toxics.items():
            for toxic in toxics:
                await self.api.add(proxy, toxic)

    async def cut(self, proxy: str) -> None:
        """Refuse connections, and end those there are."""
        self._cut.add(proxy)
        await self.api.enable(proxy, enabled=False)

    async def degrade(self, proxy: str, toxics: Sequence[Toxic]) -> None:
        """Let connections through the proxy suffer."""
        for toxic in toxics:
            self._toxics.setdefault(proxy, []).append(toxic)
            await self.api.add(proxy, toxic)

    async def mend(self, proxy: str, timeout_seconds: float) -> None:
        """Let connections through as at the start.

        Toxiproxy may hang for ever on the removal of a toxic whose connection ends at that moment
        (https://github.com/Shopify/toxiproxy/issues/558); then it is started anew.
        """
        self._cut.discard(proxy)
        self._toxics.pop(proxy, None)
        try:
            await self.api.clear(proxy)
        except LabError:
            await self.process.kill()
            await self.start(timeout_seconds)


class ToxiproxyProcess(ToxiproxyServer):
    """One that is a process of this machine."""

    process: ServerProcess

    def __init__(
        self,
        part: Part,
        port: int,
        routes: tuple[ProxyRoute, ...],
        workspace: Workspace,
        warden: Warden,
    ) -> None:
        arguments = (str(part.path), "-host", "127.0.0.1", "-port", str(port))
        command = ServerCommand(name="toxiproxy", arguments=arguments)
        super().__init__(ServerProcess(command, workspace, warden), port, routes)
