"""The fault proxy in this process, before a server that plays a script on real sockets."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from harness.errors import HarnessError
from harness.http_proxy.control import AskTally, Control, LiftRule, SetRule
from harness.http_proxy.rules import Rule, Tally
from harness.http_proxy.server import Route, serve
from harness.labs.ports import PortReservations
from harness.polling import poll_until

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
TARGET = "primary"


class Server:
    """Answers every request that has a Content-Length with `answer`; keeps what came."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.came = bytearray()
        self.connections = 0
        self.ended = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
                self.came += head + await reader.readexactly(length)
                writer.write(self.answer)
                await writer.drain()
        self.ended.set()
        writer.close()


@dataclass
class Rig:
    """The way through the proxy, and its control port."""

    port: int
    control: Control
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(writer)
        return reader, writer

    async def exchange(self, request: bytes, answer_bytes: int) -> bytes:
        """Send a request on a connection of its own and read so much of an answer."""
        reader, writer = await self.connect()
        writer.write(request)
        return await reader.readexactly(answer_bytes)

    async def set(self, rule: Rule) -> None:
        await self.control.ask(SetRule(TARGET, rule))

    async def lift(self, name: str) -> Tally:
        return await self.control.ask(LiftRule(TARGET, name))

    async def tally(self, name: str, *, awaited: bool = False) -> Tally:
        return await self.control.ask(AskTally(TARGET, name, awaited))

    async def tally_when(self, name: str, holds: Callable[[Tally], bool]) -> Tally:
        """Return the tally as soon as it is as it should be."""
        last = Tally()

        async def see() -> Tally | None:
            nonlocal last
            last = await self.tally(name)
            return last if holds(last) else None

        return await poll_until(see, 5, lambda: NotSoError(str(last)))

    async def close(self) -> None:
        for writer in self._writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


class NotSoError(HarnessError):
    """The tally never came to be as it should; says what it was last."""


@asynccontextmanager
async def proxy_before(script: Script | None) -> AsyncIterator[Rig]:
    ports = PortReservations()
    control_port, listen_port, server_port = ports.reserve(), ports.reserve(), ports.reserve()
    server = script and await asyncio.start_server(script, "127.0.0.1", server_port)
    route = Route(TARGET, listen_port, "127.0.0.1", server_port)
    proxy = asyncio.create_task(serve("127.0.0.1", control_port, [route]), name="proxy")
    rig = Rig(listen_port, Control(control_port))
    try:
        await poll_until(rig.control.answers, 5, lambda: NotSoError("no control port"))
        yield rig
    finally:
        await rig.close()
        if server is not None:
            server.close()
        proxy.cancel()
        with suppress(asyncio.CancelledError):
            await proxy
        ports.release()


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection by a reset."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.close()
