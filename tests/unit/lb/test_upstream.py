"""The client towards an instance, on real connections to a small server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from lb import http_connection
from lb.errors import (
    InstanceError,
    InstanceUnreachableError,
    LeadUnconfirmedError,
    NobodyListensError,
    RequestGivenUpError,
)
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
    def __init__(self, server: StandInServer, upstream: Upstream, lead: Lead) -> None:
        self.server = server
        self.upstream = upstream
        self.lead = lead


def an_upstream(url: str) -> tuple[Upstream, Lead]:
    clock = asyncio.get_running_loop().time
    lead = Lead(clock, 60.0)
    lead.confirm(clock())
    return Upstream(Instance("primary", url, clock), clock, 2.0, lead), lead


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    stand_in = StandInServer()
    server = await asyncio.start_server(stand_in.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    upstream, lead = an_upstream(f"http://127.0.0.1:{port}")
    yield Bench(stand_in, upstream, lead)
    await upstream.close()
    server.close()
    await server.wait_closed()


async def test_a_write_whose_connection_breaks_is_never_sent_again_by_the_client(
    bench: Bench,
) -> None:
    """A DELETE may be repeated, says HTTP; but the first may yet delete what comes later."""
    assert await bench.upstream.write("DELETE", "/warm-up", b"", "") == OK
    bench.server.breaks_connections = True

    with pytest.raises(InstanceUnreachableError):
        await bench.upstream.write("DELETE", "/collection", b"", "")

    assert bench.server.requests == ["DELETE", "DELETE"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_read_whose_idle_connection_breaks_is_sent_again_on_a_new_one(
    bench: Bench, method: str
) -> None:
    assert await bench.upstream.read("GET", "/warm-up") == OK
    bench.server.breaks_connections = True

    with pytest.raises(InstanceUnreachableError, match="closed before an answer came"):
        await bench.upstream.read(method, "/collection", b"", "")

    assert bench.server.requests == ["GET", method, method]


async def test_an_instance_that_is_not_there_is_told_from_one_that_breaks() -> None:
    upstream, _ = an_upstream("http://127.0.0.1:1")

    with pytest.raises(NobodyListensError, match="cannot connect"):
        await upstream.probe(1.0)

    await upstream.close()


async def test_an_answer_that_is_too_long_does_not_make_its_instance_suspect(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "MOST_ANSWER_BYTES", 1)

    with pytest.raises(InstanceError, match="longer than 1 bytes") as raised:
        await bench.upstream.read("GET", "/collection")

    assert not isinstance(raised.value, InstanceUnreachableError)


async def test_nothing_is_written_while_the_lock_is_not_confirmed(bench: Bench) -> None:
    bench.lead.lose()

    with pytest.raises(LeadUnconfirmedError):
        await bench.upstream.write("POST", "/collection", b"{}", "")

    assert bench.server.requests == []


async def test_a_write_that_is_reset_is_given_up_whatever_its_method(bench: Bench) -> None:
    assert await bench.upstream.write("DELETE", "/warm-up", b"", "") == OK
    writing = asyncio.create_task(bench.upstream.write("DELETE", "/collection", b"", ""))
    await until(lambda: len(bench.server.requests) == 2, "it is sent")

    (write,) = bench.upstream.outstanding
    write.reset()

    with pytest.raises(RequestGivenUpError):
        await asyncio.wait_for(writing, 20)
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
