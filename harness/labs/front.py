"""The front: the one address of two load balancers. Breaks nothing, and looks into no request.

It is what stands before a service while it is deployed: whom a *new* connection goes to can be
changed, and open ones stay where they are. Toxiproxy would end all of them.
"""

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator

_CHUNK_BYTES = 1 << 16


class Front:
    """Forwards connections that come to `host` to one of some ports of 127.0.0.1, in turn.

    A connection that its load balancer does not take is accepted and then closed: clients behind
    a front cannot see that nothing was sent.
    """

    def __init__(self, port: int, *upstream_ports: int, host: str = "127.0.0.1") -> None:
        self.port = port
        self.host = host
        self.url = f"http://{host}:{port}"
        self.connections: Counter[int] = Counter()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._turns: Iterator[int] = iter(())
        self.send_to(*upstream_ports)

    def send_to(self, *upstream_ports: int) -> None:
        """Give new connections to these ports from now on."""
        self._turns = itertools.cycle(upstream_ports)

    async def start(self) -> None:
        """Listen; does nothing when it does so already."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, self.host, self.port)

    async def stop(self) -> None:
        """Stop listening, and end all connections."""
        if self._server is None:
            return
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()
        await asyncio.gather(*self._serving, return_exceptions=True)
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        port = next(self._turns)
        with contextlib.suppress(OSError):
            async with self._known(writer):
                to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
                self.connections[port] += 1
                async with self._known(to_writer):
                    await asyncio.gather(_pump(reader, to_writer), _pump(to_reader, writer))

    @contextlib.asynccontextmanager
    async def _known(self, writer: asyncio.StreamWriter) -> AsyncIterator[None]:
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end, and pass the end on; an error ends both directions."""
    while data := await reader.read(_CHUNK_BYTES):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
