"""Links of containers: the network between one server and Toxiproxy, which nothing else uses.

On a link that may be taken away the server has an address that the engine gives to nobody else, so
that it comes back at the same one and connections that outlived the time go on.
"""

import asyncio
from collections.abc import Mapping

from harness.errors import LabError
from harness.labs.containers.container import Container
from harness.labs.containers.engine import Engine


def link_of(server: str) -> str:
    """Name the link of a server, in the words of compose.yaml."""
    return f"{server}-link"


class HasLinks:
    """Gives a lab of containers the ability `OnLinks`."""

    _engine: Engine

    async def disconnect(self, target: str) -> None:
        """Take the container off its link; what was under way there gets no answer."""
        container, link = self._container_and_link(target)
        await asyncio.to_thread(self._engine.disconnect, container.id, link)

    async def reconnect(self, target: str) -> None:
        """Put it there again, with its names and at its address; does nothing where it is."""
        container, link = self._container_and_link(target)
        await asyncio.to_thread(container.connect, link)

    def _container_and_link(self, target: str) -> tuple[Container, str]:
        container = self._containers()[target]
        for network in container.plan.networks:
            if network.endswith(f"-{link_of(target)}"):
                return container, network
        raise LabError(f"{target} has no link of its own")

    def _containers(self) -> Mapping[str, Container]:
        raise NotImplementedError
