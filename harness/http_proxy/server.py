"""Owns the listening of the fault proxy: a port for each server behind it, and one for control."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from harness.http_proxy.connection import Connection, Side
from harness.http_proxy.control import ControlServer
from harness.http_proxy.messages import LONGEST_HEAD_BYTES
from harness.http_proxy.rule_book import RuleBook


@dataclass(frozen=True)
class Route:
    """One server behind the proxy: clients connect to `listen_port`."""

    target: str
    listen_port: int
    server_host: str
    server_port: int

    def __str__(self) -> str:
        return f"{self.target}:{self.listen_port}:{self.server_host}:{self.server_port}"

    @classmethod
    def parse(cls, text: str) -> "Route":
        """Read what `str` writes."""
        target, listen_port, server_host, server_port = text.split(":")
        return cls(target, int(listen_port), server_host, int(server_port))


class _Entrance:
    """Gives each client's connection one to the server, for as long as it lasts."""

    def __init__(self, route: Route, book: RuleBook) -> None:
        self._route = route
        self._book = book
        self._admitted: set[asyncio.Task[None]] = set()

    async def admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio forgets a connection whose client has left, and what is still to be done with it.
        task = asyncio.current_task()
        assert task is not None
        self._admitted.add(task)
        task.add_done_callback(self._admitted.discard)
        client = Side(reader, writer)
        try:
            to_server = await asyncio.open_connection(
                self._route.server_host, self._route.server_port, limit=LONGEST_HEAD_BYTES
            )
        except OSError:
            client.reset()
            return
        await Connection(client, Side(*to_server), self._book).serve()


async def serve(host: str, control_port: int, routes: Sequence[Route]) -> None:
    """Serve at `host` until cancelled; the control port listens last, when all others do."""
    books = {route.target: RuleBook() for route in routes}
    async with AsyncExitStack() as stack:
        for route in routes:
            entrance = _Entrance(route, books[route.target])
            await stack.enter_async_context(
                await asyncio.start_server(
                    entrance.admit, host, route.listen_port, limit=LONGEST_HEAD_BYTES
                )
            )
        control = await asyncio.start_server(ControlServer(books).serve, host, control_port)
        async with control:
            await control.serve_forever()
