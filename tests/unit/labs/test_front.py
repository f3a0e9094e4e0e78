import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from harness.labs.front import Front
from harness.labs.ports import PortReservations


@asynccontextmanager
async def named_server(name: bytes) -> AsyncIterator[int]:
    """Serve a name to whoever sends a line, as often as a line is sent; yields the port."""

    tasks: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        with suppress(ConnectionError):
            while await reader.readline():
                writer.write(name + b"\n")
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*(task for task in tasks if task))


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(b"who?\n")
    return (await reader.readline()).strip()


@asynccontextmanager
async def two_behind_a_front() -> AsyncIterator[tuple[Front, int, int]]:
    ports = PortReservations()
    async with named_server(b"old") as old, named_server(b"new") as new:
        front = Front(ports.reserve(), old)
        await front.start()
        try:
            yield front, old, new
        finally:
            await front.stop()
            ports.release()


async def test_new_connections_go_elsewhere_and_open_ones_stay() -> None:
    async with two_behind_a_front() as (front, _, new), AsyncExitStack() as stack:
        first = await asyncio.open_connection("127.0.0.1", front.port)
        stack.callback(first[1].close)
        assert await ask(*first) == b"old"
        front.send_to(new)
        second = await asyncio.open_connection("127.0.0.1", front.port)
        stack.callback(second[1].close)
        assert await ask(*second) == b"new"
        assert await ask(*first) == b"old"


async def test_two_take_connections_in_turn_and_they_are_counted() -> None:
    async with two_behind_a_front() as (front, old, new):
        front.send_to(old, new)
        names = []
        for _ in range(4):
            reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
            names.append(await ask(reader, writer))
            writer.close()
        assert names == [b"old", b"new", b"old", b"new"]
        assert front.connections == {old: 2, new: 2}


async def test_a_connection_that_nobody_takes_ends() -> None:
    ports = PortReservations()
    front = Front(ports.reserve(), ports.reserve())
    await front.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    try:
        async with asyncio.timeout(20):
            assert await ask(reader, writer) == b""
    except ConnectionResetError:
        pass
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        await front.stop()
        ports.release()
