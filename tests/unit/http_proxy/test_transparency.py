"""Without a rule nobody can tell that the proxy is there: bytes, order, and ends are the same."""

import asyncio

import pytest

from tests.unit.http_proxy.rig import Rig, Server, proxy_before, reset

GET = b"GET /api/v2/heartbeat HTTP/1.1\r\nHost: x\r\nX-Odd:  spaces \r\nx-odd: twice\r\n\r\n"
POST = b"POST /c/id/add HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Odd: a\r\nX-Odd: b\r\n\r\n{}"
CHUNKED = (
    b"POST /c/id/add HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"4;name=value\r\nwiki\r\n5\r\npedia\r\n0\r\nTrailer: yes\r\n\r\n"
)


@pytest.mark.parametrize("request_bytes", [GET, POST], ids=["get", "post"])
async def test_a_request_and_its_answer_pass_byte_for_byte(request_bytes: bytes) -> None:
    server = Server(OK)
    async with proxy_before(server) as rig:
        assert await rig.exchange(request_bytes, len(OK)) == OK
    assert bytes(server.came) == request_bytes


async def test_a_connection_is_kept_and_requests_sent_ahead_are_answered_in_order() -> None:
    server = Server(OK)
    async with proxy_before(server) as rig:
        assert await rig.exchange(GET + POST + GET, 3 * len(OK)) == 3 * OK
    assert bytes(server.came) == GET + POST + GET
    assert server.connections == 1


async def test_many_connections_go_on_beside_one_another() -> None:
    server = Server(OK)
    async with proxy_before(server) as rig:
        answers = await asyncio.gather(*(rig.exchange(POST, len(OK)) for _ in range(50)))
    assert answers == [OK] * 50
    assert server.connections == 50


async def play(rig: Rig, request: bytes, answer: bytes) -> bytes:
    """Send, and read to the end of the connection."""
    reader, writer = await rig.connect()
    writer.write(request)
    found = await reader.read(-1)
    assert found == answer
    return found


@pytest.mark.parametrize(
    ("request_bytes", "answer"),
    [
        (CHUNKED, OK),
        (POST, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        (GET, b"HTTP/1.1 200 OK\r\n\r\nuntil the connection ends"),
        (GET, b"HTTP/1.1 204 No Content\r\n\r\n"),
        (GET.replace(b"GET", b"HEAD"), b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"),
        (POST, b"HTTP/1.1 100 Continue\r\n\r\n" + OK),
        (b"no http at all\r\n\r\n", b"nor is this\r\n\r\n and more"),
        (GET, b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\ntorn"),
    ],
    ids=["chunked request", "chunks", "to the end", "204", "HEAD", "100", "no HTTP", "torn"],
)
async def test_messages_of_every_shape_pass_byte_for_byte(
    request_bytes: bytes, answer: bytes
) -> None:
    came = b""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal came
        came = await reader.readexactly(len(request_bytes))
        writer.write(answer)
        writer.close()

    async with proxy_before(script) as rig:
        await play(rig, request_bytes, answer)
    assert came == request_bytes


async def test_a_client_that_waits_for_100_before_its_body_gets_it_from_the_server() -> None:
    head = b"POST /c/id/add HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    go_on = b"HTTP/1.1 100 Continue\r\n\r\n"

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(go_on)
        assert await reader.readexactly(5) == b"hello"
        writer.write(OK)
        writer.close()

    async with proxy_before(script) as rig:
        reader, writer = await rig.connect()
        writer.write(head)
        assert await reader.readexactly(len(go_on)) == go_on
        writer.write(b"hello")
        assert await reader.readexactly(len(OK)) == OK


async def test_a_reset_by_the_server_is_a_reset_for_the_client() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        reset(writer)

    async with proxy_before(script) as rig:
        reader, writer = await rig.connect()
        writer.write(GET)
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_a_server_that_closes_an_idle_connection_is_seen_to_close_it() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with proxy_before(script) as rig:
        reader, _ = await rig.connect()
        async with asyncio.timeout(20):
            assert await reader.read() == b""


async def test_a_client_that_leaves_is_seen_to_leave_while_the_server_still_works() -> None:
    ended = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()
        ended.set()
        writer.close()

    async with proxy_before(script) as rig:
        _, writer = await rig.connect()
        writer.write(GET)
        writer.close()
        async with asyncio.timeout(20):
            await ended.wait()


async def test_a_server_that_is_not_there_is_a_reset_for_the_client() -> None:
    async with proxy_before(None) as rig:
        reader, writer = await rig.connect()
        writer.write(GET)
        with pytest.raises(ConnectionResetError):
            await reader.read()
