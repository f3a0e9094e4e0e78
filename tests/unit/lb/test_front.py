"""Connections of clients, on real sockets: what is answered at once, and what aiohttp is given."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from lb.access import Access
from lb.farewell import Farewell
from lb.front import Front
from lb.front_connection import PATIENCE_SECONDS
from lb.plain_http import MOST_BODY_BYTES
from lb.proxy import Asked, Reply
from tests.unit.lb.stand_ins import until

PATH = "/api/v2/tenants/t/databases/d/collections/c/get"
LARGE = 16 << 20
"""More than the buffers of two sockets hold."""


def request(
    *lines: str, body: str = "", method: str = "POST", target: str = PATH, version: str = "HTTP/1.1"
) -> bytes:
    head = (f"{method} {target} {version}", "Host: x", *lines, f"Content-Length: {len(body)}")
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode("latin-1")


@dataclass
class StandInProxy:
    """In place of the proxy: says that it was asked, and answers when it may."""

    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[Asked] = field(default_factory=list)
    fault: Exception | None = None
    padding: bytes = b""
    status: int = 200

    async def answer(self, asked: Asked, body: bytes) -> Reply:
        self.asked.append(asked)
        await self.may_answer.wait()
        if self.fault is not None:
            raise self.fault
        return Reply(self.status, b"front:" + body + self.padding, {"Content-Type": "text/plain"})


@dataclass
class Answer:
    """A response as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, sent: bytes) -> Answer:
        self.writer.write(sent)
        return await self.answer()

    async def answer(self) -> Answer:
        async with asyncio.timeout(20):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            status, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines)
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
            return Answer(int(status.split(" ")[1]), headers, body)

    async def saw_the_end(self) -> bool:
        async with asyncio.timeout(20):
            return await self.reader.read() == b""


class Bench:
    """A front before a stand-in, and an aiohttp server that answers every request itself."""

    def __init__(self, client_token: str = "") -> None:
        self.proxy = StandInProxy()
        self.proxy.may_answer.set()
        self.farewell = Farewell()
        self.access = Access(client_token=client_token)
        self.clients: list[Client] = []

    async def start(self) -> None:
        app = web.Application(client_max_size=2 * LARGE)
        app.router.add_route("*", "/{any:.*}", self._answer)
        self.aiohttp = web.AppRunner(app, shutdown_timeout=0.1)
        await self.aiohttp.setup()
        self.front = Front(self.proxy, self.access, self.farewell, self.aiohttp.server)
        await self.front.listen("127.0.0.1", 0)

    async def stop(self) -> None:
        for client in self.clients:
            client.writer.transport.abort()
        self.proxy.may_answer.set()
        await self.front.close(1.0)
        await self.aiohttp.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        return web.Response(body=b"aiohttp:" + await request.read())

    async def client(self) -> Client:
        host, port = self.front.addresses.split(":")
        self.clients.append(Client(*await asyncio.open_connection(host, port, limit=LARGE * 2)))
        return self.clients[-1]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    await bench.start()
    yield bench
    await bench.stop()


async def test_plain_requests_are_answered_one_after_the_other(bench: Bench) -> None:
    client = await bench.client()

    for number in range(3):
        assert (await client.ask(request(body=f"{number}"))).body == b"front:%d" % number
    assert len(bench.front.connections) == 1


async def test_the_proxy_is_told_what_the_client_said(bench: Bench) -> None:
    client = await bench.client()
    sent = request(
        *("Content-Type: a/b", "transaction-id: t1", "Client-Session: editor 7"),
        method="PUT",
        target=f"{PATH}?x=%20y",
    )

    await client.ask(sent)
    await client.ask(request(method="GET"))

    assert bench.proxy.asked == [
        Asked("PUT", PATH, "x=%20y", "a/b", "t1", "editor 7"),
        Asked("GET", PATH, "", "", None, "127.0.0.1"),
    ]


async def test_an_answer_has_the_headers_that_aiohttp_gives(bench: Bench) -> None:
    ours = await (await bench.client()).ask(request())
    aiohttps = await (await bench.client()).ask(request(target="/status"))

    assert aiohttps.body == b"aiohttp:"
    assert ours.headers.keys() == aiohttps.headers.keys()
    assert ours.headers["server"] == aiohttps.headers["server"]


async def test_a_request_may_come_in_pieces(bench: Bench) -> None:
    client, sent = await bench.client(), request("X: y", body="ab")

    for cut in (1, 10, len(sent) - 3, len(sent) - 2, len(sent) - 1):
        client.writer.write(sent[:cut])
        await client.writer.drain()
        await asyncio.sleep(0)
        assert (await client.ask(sent[cut:])).body.endswith(b":ab")


async def test_who_sends_slowly_is_given_to_aiohttp_with_what_came(bench: Bench) -> None:
    client, sent = await bench.client(), request(body="abc")
    client.writer.write(sent[:-1])
    await until(lambda: len(bench.front.connections) == 1, "it is connected")
    await until(lambda: not bench.front.connections, f"after {PATIENCE_SECONDS} s it is aiohttp's")

    assert (await client.ask(sent[-1:])).body == b"aiohttp:abc"
    assert (await client.ask(sent)).body == b"aiohttp:abc"


OTHERS = {
    "another path": request(target="/status", body="abc"),
    "another method": request(method="OPTIONS", body="abc"),
    "chunks": request("Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")
    + b"3\r\nabc\r\n0\r\n\r\n",
    "a long body": request(body="abc" * MOST_BODY_BYTES),
    "a long head": request(f"X: {'x' * 5000}", body="abc"),
    "HTTP/1.0": request("Connection: keep-alive", body="abc", version="HTTP/1.0"),
    "the last request": request("Connection: close", body="abc"),
    "bytes in a header": request("X: \xff", body="abc"),
}


@pytest.mark.parametrize("sent", OTHERS.values(), ids=OTHERS)
async def test_what_is_not_plain_is_answered_by_aiohttp(bench: Bench, sent: bytes) -> None:
    client = await bench.client()
    assert (await client.ask(request(body="x"))).body == b"front:x"

    answer = await client.ask(sent)

    assert answer.body.startswith(b"aiohttp:abc")
    assert not bench.front.connections


async def test_who_asks_before_sending_a_body_is_told_to_send_it(bench: Bench) -> None:
    client = await bench.client()
    sent = request("Expect: 100-continue", body="abc")
    assert (await client.ask(sent[:-3])).status == 100

    assert (await client.ask(sent[-3:])).body == b"aiohttp:abc"


async def test_what_is_no_http_is_refused_and_the_connection_ends(bench: Bench) -> None:
    client = await bench.client()

    assert (await client.ask(b"\x16\x03\x01 no\r\n\r\n")).status == 400
    assert await client.saw_the_end()


async def test_requests_that_come_together_are_answered_in_order(bench: Bench) -> None:
    client = await bench.client()
    client.writer.write(request(body="a") + request(body="b"))

    assert [(await client.answer()).body for _ in range(2)] == [b"aiohttp:a", b"aiohttp:b"]


async def test_a_request_before_its_turn_is_answered_after_the_one_under_way(bench: Bench) -> None:
    bench.proxy.may_answer.clear()
    client = await bench.client()
    client.writer.write(request(body="a"))
    await until(lambda: len(bench.proxy.asked) == 1, "the first is under way")
    client.writer.write(request(body="b") + request(body="c" * LARGE))
    await until(lambda: not is_reading(bench), "no more is taken than fits")
    bench.proxy.may_answer.set()

    found = [(await client.answer()).body for _ in range(3)]

    assert found == [b"front:a", b"aiohttp:b", b"aiohttp:" + b"c" * LARGE]


def is_reading(bench: Bench) -> bool:
    (connection,) = bench.front.connections
    return connection.is_reading


async def test_who_reads_slowly_gets_all_and_no_more_is_begun_meanwhile(bench: Bench) -> None:
    bench.proxy.padding = b"x" * LARGE
    client = await bench.client()
    client.writer.transport.pause_reading()
    client.writer.write(request(body="a"))
    await until(lambda: not is_writable(bench), "the answer waits in memory")
    client.writer.write(request(body="b"))
    await until(lambda: not bench.front.connections, "the second is aiohttp's")
    client.writer.transport.resume_reading()

    assert (await client.answer()).body == b"front:a" + bench.proxy.padding
    assert (await client.answer()).body == b"aiohttp:b"
    assert len(bench.proxy.asked) == 1


def is_writable(bench: Bench) -> bool:
    return all(connection.is_writable for connection in bench.front.connections)


async def test_what_a_client_asked_for_goes_on_without_it(bench: Bench) -> None:
    bench.proxy.may_answer.clear()
    client = await bench.client()
    client.writer.write(request())
    await until(lambda: len(bench.proxy.asked) == 1, "it is under way")
    (connection,) = bench.front.connections
    client.writer.transport.abort()
    await until(lambda: not connection.is_reading, "the client is gone")
    closing = asyncio.create_task(bench.front.close(5.0))
    await until(lambda: bench.front.is_closed, "the front is closing")
    assert not closing.done(), "it waits for what is under way"

    bench.proxy.may_answer.set()

    await closing
    assert not bench.front.connections


async def test_a_client_that_goes_leaves_nothing_behind(bench: Bench) -> None:
    client = await bench.client()
    await client.ask(request())
    assert len(bench.front.connections) == 1

    client.writer.transport.abort()

    await until(lambda: not bench.front.connections, "it is forgotten")


async def test_a_token_is_asked_for_where_there_is_one() -> None:
    bench = Bench(client_token="secret")
    await bench.start()
    client = await bench.client()

    refused = await client.ask(request())
    allowed = await client.ask(request("Authorization: Bearer secret"))

    assert (refused.status, refused.headers["www-authenticate"]) == (401, "bearer")
    assert (allowed.status, len(bench.proxy.asked)) == (200, 1)
    await bench.stop()


async def test_a_fault_of_ours_is_answered_and_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.proxy.fault = ZeroDivisionError("oh")
    client = await bench.client()

    assert (await client.ask(request())).status == 500
    assert "oh" in caplog.text

    bench.proxy.fault = None
    assert (await client.ask(request())).status == 200


async def test_an_answer_that_has_no_body_ends_with_its_head(bench: Bench) -> None:
    bench.proxy.status = 204
    client = await bench.client()
    assert (await client.ask(request())).status == 204

    bench.proxy.status = 200
    assert (await client.ask(request(body="a"))).body == b"front:a"


async def test_when_the_process_is_leaving_an_answer_ends_its_connection(bench: Bench) -> None:
    bench.farewell.is_leaving = True
    client = await bench.client()

    assert (await client.ask(request())).headers["connection"] == "close"
    assert await client.saw_the_end()


async def test_closing_ends_what_is_idle_and_waits_for_what_is_under_way(bench: Bench) -> None:
    bench.proxy.may_answer.clear()
    idle, busy = await bench.client(), await bench.client()
    busy.writer.write(request(body="a"))
    await until(lambda: len(bench.proxy.asked) == 1, "one is under way")
    closing = asyncio.create_task(bench.front.close(5.0))
    assert await idle.saw_the_end()
    assert not closing.done()

    bench.proxy.may_answer.set()

    assert (await busy.answer()).body == b"front:a"
    assert await busy.saw_the_end()
    await closing


async def test_closing_cuts_off_what_takes_too_long(bench: Bench) -> None:
    bench.proxy.may_answer.clear()
    client = await bench.client()
    client.writer.write(request())
    await until(lambda: len(bench.proxy.asked) == 1, "it is under way")

    await bench.front.close(0.01)

    assert await client.saw_the_end()
