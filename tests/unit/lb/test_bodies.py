"""Bodies read from real connections to a small server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from lb.bodies import FIRST_BYTES, Bodies
from lb.budget import Account, BodyBudget
from lb.errors import OverloadedError, PayloadTooLargeError
from lb.figures import RequestKind
from lb.proxy import answering_errors
from tests.unit.lb.stand_ins import until

LIMIT, LONGEST = 1_000_000, 1_500_000


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def begin(self, *framing: str, body: bytes = b"") -> "Client":
        lines = ("POST / HTTP/1.1", "Host: x", "Connection: close", *framing)
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return self

    def chunk(self, data: bytes) -> None:
        self.writer.write(b"%x\r\n%s\r\n" % (len(data), data))

    async def answer(self) -> tuple[int, str]:
        """Read the status and the text; the server may wait for the rest of the body after it."""
        async with asyncio.timeout(20):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length: ")[2].split("\r\n")[0])
            return int(head.split(" ")[1]), (await self.reader.readexactly(length)).decode()


class Bench:
    """Answers every request with the length of its body, when the test lets it."""

    def __init__(self, timeout_seconds: float = 5.0, wait_seconds: float = 5.0) -> None:
        self.account = Account(lambda: LIMIT)
        budget = BodyBudget(self.account, 2, wait_seconds)
        self.bodies = Bodies(budget, LONGEST, timeout_seconds)
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.clients: list[Client] = []
        self.runner: web.AppRunner | None = None

    async def start(self) -> "Bench":
        app = web.Application()
        app.router.add_post("/", answering_errors(self.answer))
        self.runner = web.AppRunner(app, read_bufsize=64 << 10, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return self

    async def stop(self) -> None:
        for client in self.clients:
            client.writer.transport.abort()
        if self.runner is not None:
            await self.runner.cleanup()

    async def client(self) -> Client:
        assert self.runner is not None
        address = self.runner.addresses[0]
        self.clients.append(Client(*await asyncio.open_connection(*address[:2])))
        return self.clients[-1]

    async def answer(self, request: web.Request) -> web.Response:
        body = await self.bodies.read(request)
        try:
            await self.may_end.wait()
            assert (body.claim.held_bytes if body.claim else 0) == len(body.data)
            return web.Response(text=f"{len(body.data)} {sum(body.data)}")
        finally:
            body.let_go()

    @property
    def is_empty(self) -> bool:
        return (self.account.held_bytes, self.account.waiting) == (0, 0)


Start = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    benches: list[Bench] = []

    def make(**settings: float) -> Awaitable[Bench]:
        benches.append(Bench(**settings))
        return benches[-1].start()

    yield make
    for bench in benches:
        await bench.stop()


@pytest.mark.parametrize("size", [0, 1, FIRST_BYTES, LIMIT, LONGEST])
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_body_arrives_whole_and_its_share_is_given_back(
    start: Start, size: int, is_chunked: bool
) -> None:
    bench = await start()
    client, body = await bench.client(), bytes(range(256)) * (size // 256 + 1)
    body = body[:size]
    if is_chunked:
        client.begin("Transfer-Encoding: chunked")
        for start in range(0, size, 50_000):
            client.chunk(body[start : start + 50_000])
        client.writer.write(b"0\r\n\r\n")
    else:
        client.begin(f"Content-Length: {size}", body=body)

    assert await client.answer() == (200, f"{size} {sum(body)}")
    assert bench.is_empty


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_longer_body_is_refused_and_not_held(start: Start, is_chunked: bool) -> None:
    bench = await start()
    client, body = await bench.client(), b"x" * (LONGEST + 1)
    if is_chunked:
        client.begin("Transfer-Encoding: chunked").chunk(body)
        client.writer.write(b"0\r\n\r\n")
    else:
        client.begin(f"Content-Length: {len(body)}", body=body)

    assert (await client.answer())[0] == 413
    assert bench.is_empty


async def test_what_does_not_fit_waits_and_is_read_when_there_is_room(
    start: Start,
) -> None:
    bench = await start()
    bench.may_end.clear()
    body = b"x" * 600_000
    first = (await bench.client()).begin("Content-Length: 600000", body=body)
    await until(lambda: bench.account.held_bytes == 600_000, "the first is held")
    second = (await bench.client()).begin("Content-Length: 600000", body=body)
    await until(lambda: bench.account.waiting == 1, "the second waits")
    assert bench.account.held_bytes == 600_000

    bench.may_end.set()

    assert (await first.answer())[0] == (await second.answer())[0] == 200
    assert bench.is_empty


async def test_who_waits_too_long_gets_503_and_is_told_to_come_back(
    start: Start,
) -> None:
    bench = await start(wait_seconds=0.05)
    bench.may_end.clear()
    body = b"x" * 600_000
    first = (await bench.client()).begin("Content-Length: 600000", body=body)
    await until(lambda: bench.account.held_bytes == 600_000, "the first is held")
    second = (await bench.client()).begin("Content-Length: 600000", body=body)

    async with asyncio.timeout(20):
        head = (await second.reader.readuntil(b"\r\n\r\n")).decode()
        text = (await second.reader.readuntil(b"}")).decode()

    assert head.startswith("HTTP/1.1 503")
    assert "retry-after: 1" in head.lower()
    assert "no memory for the body within 0.05 s; nothing was done" in text
    bench.may_end.set()
    assert (await first.answer())[0] == 200
    assert bench.is_empty


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_client_that_goes_in_the_middle_gives_back_its_share(
    start: Start, is_chunked: bool
) -> None:
    bench = await start()
    client = await bench.client()
    if is_chunked:
        client.begin("Transfer-Encoding: chunked").chunk(b"x" * 200_000)
    else:
        client.begin("Content-Length: 600000", body=b"x" * 200_000)
    await until(lambda: bench.account.held_bytes >= 200_000, "it is being read")

    client.writer.transport.abort()

    await until(lambda: bench.is_empty, "it is given back")


async def test_a_client_that_goes_while_it_waits_holds_nothing_later(
    start: Start,
) -> None:
    bench = await start()
    bench.may_end.clear()
    first = (await bench.client()).begin("Content-Length: 600000", body=b"x" * 600_000)
    await until(lambda: bench.account.held_bytes == 600_000, "the first is held")
    second = (await bench.client()).begin("Content-Length: 600000", body=b"x")
    await until(lambda: bench.account.waiting == 1, "the second waits")

    second.writer.transport.abort()
    bench.may_end.set()

    assert (await first.answer())[0] == 200
    await until(lambda: bench.is_empty, "all is given back")


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_client_that_trickles_is_given_up_and_its_share_given_back(
    start: Start, is_chunked: bool
) -> None:
    bench = await start(timeout_seconds=0.05)
    client = await bench.client()
    framing = "Transfer-Encoding: chunked" if is_chunked else "Content-Length: 600000"
    client.begin(framing, body=b"1\r\nx\r\n")
    await until(lambda: bench.account.held_bytes > 0, "it is being read")

    await until(lambda: bench.is_empty, "it is given up")

    status, text = await client.answer()
    assert status == 408
    assert "the body did not come within 0.05 s" in text


async def test_chunks_that_are_none_are_waited_for_no_longer_than_others(start: Start) -> None:
    """aiohttp tells nobody that it has given up such a body."""
    bench = await start(timeout_seconds=0.05)
    client = (await bench.client()).begin("Transfer-Encoding: chunked")
    client.chunk(b"x" * 10)
    await until(lambda: bench.account.held_bytes > 0, "it is being read")

    client.writer.write(b"nonsense\r\n")

    assert (await client.answer())[0] == 408
    assert bench.is_empty


async def test_two_half_read_bodies_do_not_wait_for_each_other(start: Start) -> None:
    bench = await start()
    clients = [(await bench.client()).begin("Transfer-Encoding: chunked") for _ in range(2)]
    for client in clients:
        client.chunk(b"x" * 500_000)
    await until(lambda: bench.account.held_bytes == LIMIT, "both are half read")

    for client in clients:
        client.chunk(b"x" * 500_000)
        client.writer.write(b"0\r\n\r\n")

    answers = await asyncio.gather(*(client.answer() for client in clients))
    assert [status for status, _ in answers] == [200, 200]
    assert bench.is_empty


async def test_our_own_wait_for_room_is_not_counted_as_the_clients(start: Start) -> None:
    bench = await start(timeout_seconds=0.2, wait_seconds=5.0)
    oldest = bench.account.claim(is_open=True)
    assert bench.account.ask(oldest, 600_000)
    client = (await bench.client()).begin("Transfer-Encoding: chunked")
    client.chunk(b"x" * 500_000)
    client.writer.write(b"0\r\n\r\n")
    await until(lambda: bench.account.waiting == 1, "it waits in the middle of its body")
    loop = asyncio.get_running_loop()
    began = loop.time()
    await until(lambda: loop.time() > began + 0.3, "more than the client's time is over")
    assert bench.account.waiting == 1

    oldest.let_go()

    assert (await client.answer())[0] == 200
    assert bench.is_empty


async def test_of_bodies_that_have_come_whole_a_write_has_a_share() -> None:
    bench = Bench()

    body = await bench.bodies.take(b"abc", RequestKind.WRITE)

    assert (body.data, bench.account.held_bytes) == (b"abc", 3)
    body.let_go()
    assert bench.is_empty


async def test_of_bodies_that_have_come_whole_a_read_needs_no_room() -> None:
    bench = Bench()
    held = await bench.bodies.take(b"x" * LIMIT, RequestKind.WRITE)

    body = await bench.bodies.take(b"abc", RequestKind.READ)

    assert (body.data, bench.account.held_bytes) == (b"abc", LIMIT)
    body.let_go()
    held.let_go()
    assert bench.is_empty


@pytest.mark.parametrize("kind", RequestKind)
async def test_a_whole_body_that_is_too_long_is_refused(kind: RequestKind) -> None:
    bench = Bench()

    with pytest.raises(PayloadTooLargeError):
        await bench.bodies.take(b"x" * (LONGEST + 1), kind)

    assert bench.is_empty


async def test_a_whole_body_that_finds_no_room_in_time_gives_its_place_up() -> None:
    bench = Bench(wait_seconds=0.01)
    held = await bench.bodies.take(b"x" * LIMIT, RequestKind.WRITE)

    with pytest.raises(OverloadedError):
        await bench.bodies.take(b"abc", RequestKind.WRITE)

    held.let_go()
    assert bench.is_empty
