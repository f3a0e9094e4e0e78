"""The client towards an instance, on real connections to a small server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from lb.errors import InstanceUnreachableError, RequestGivenUpError
from lb.instances import Instance
from lb.leader import Lead
from lb.upstream import OutstandingWrite, Upstream
from tests.unit.lb.stand_ins import OK, until

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class StandInServer:
    """Answers the first request, and then does as it is told: breaks connections, or is silent."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.breaks_connections = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(head.decode().split(" ")[0])
                if len(self.requests) == 1:
                    writer.write(ANSWER)
                elif self.breaks_connections:
                    break
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        finally:
            writer.close()


class Bench:
    def __init__(self, server: StandInServer, upstream: Upstream) -> None:
        self.server = server
        self.upstream = upstream


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock = asyncio.get_running_loop().time
    stand_in = StandInServer()
    server = await asyncio.start_server(stand_in.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    lead = Lead(clock, 60.0)
    lead.confirm(clock())
    instance = Instance("primary", f"http://127.0.0.1:{port}", clock)
    upstream = Upstream(instance, clock, 2.0, lead)
    yield Bench(stand_in, upstream)
    await upstream.close()
    server.close()
    await server.wait_closed()


async def test_a_write_whose_connection_breaks_is_never_sent_again_by_the_client(
    bench: Bench,
) -> None:
    """aiohttp repeats a DELETE by itself, and the first one may yet delete what comes later."""
    assert await bench.upstream.write("DELETE", "/warm-up", b"", "") == OK
    bench.server.breaks_connections = True

    with pytest.raises(InstanceUnreachableError):
        await bench.upstream.write("DELETE", "/collection", b"", "")

    assert bench.server.requests == ["DELETE", "DELETE"]


async def test_a_write_that_is_reset_is_given_up_whatever_its_method(bench: Bench) -> None:
    assert await bench.upstream.write("DELETE", "/warm-up", b"", "") == OK
    writing = asyncio.create_task(bench.upstream.write("DELETE", "/collection", b"", ""))
    await until(lambda: len(bench.server.requests) == 2, "it is sent")

    (write,) = bench.upstream.outstanding
    write.reset()

    with pytest.raises(RequestGivenUpError):
        await asyncio.wait_for(writing, 2)
    assert bench.server.requests == ["DELETE", "DELETE"]


async def test_a_reset_of_a_connection_that_has_just_broken_is_harmless() -> None:
    """Nobody may be told of the break before the watch of late requests comes by."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.transport.abort()
    await until(lambda: writer.transport.get_extra_info("socket").fileno() < 0, "it is closed")
    write = OutstandingWrite(0.0, writer.transport)

    write.reset()

    assert write.was_reset
    server.close()
    await server.wait_closed()
