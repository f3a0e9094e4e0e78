"""Requests and answers on one connection, in every form that a server may choose."""

import asyncio
import hashlib

import pytest

from lb import http_connection
from lb.errors import AnswerTooLongError, BadRequestError, HttpError, UnansweredError
from lb.http_connection import MOST_ANSWER_BYTES, HttpConnection, request_head
from lb.http_pool import HttpPool
from lb.model import Answer
from tests.unit.lb.raw_server import (
    OK_ANSWER,
    RawConnection,
    a_server,
    sending,
    well,
)
from tests.unit.lb.stand_ins import OK, until

JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n"
LONG_BODY = bytes(range(256)) * (160 << 10)
"""40 MiB, as long as a body can be."""


def a_pool(url: str, limit: int = 4) -> HttpPool:
    return HttpPool(url, limit, 30.0, 2.0)


KEPT = {
    "a body of a given length": (OK_ANSWER, OK),
    "chunks": (CHUNKED + b"1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n", OK),
    "chunks and trailers": (
        CHUNKED + b"2\r\n{}\r\n0\r\nContent-Type: text/plain\r\nX: y\r\n\r\n",
        OK,
    ),
    "an empty body": (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", Answer(500, b"", "")),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", Answer(204, b"", "")),
    "204 with a length": (
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        Answer(204, b"", ""),
    ),
    "304 with a length": (
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        Answer(304, b"", ""),
    ),
    "100 before": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK_ANSWER, OK),
    "103 before, with headers": (
        b"HTTP/1.1 103 Early Hints\r\nContent-Type: text/html\r\nLink: </a>\r\n\r\n" + OK_ANSWER,
        OK,
    ),
    "HTTP/1.0 that stays open": (
        b"HTTP/1.0 200 OK\r\n" + JSON + b"Connection: keep-alive\r\nContent-Length: 2\r\n\r\n{}",
        OK,
    ),
    "no reason, and a type that is no UTF-8": (
        b"HTTP/1.1 200\r\nContent-Type: \xff\r\nContent-Length: 0\r\n\r\n",
        Answer(200, b"", "\ufffd"),
    ),
}
NOT_KEPT = {
    "a body that ends with the connection": (b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\n{}", OK),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n" + JSON + b"Content-Length: 2\r\n\r\n{}", OK),
    "HTTP/1.0 that ends with the connection": (b"HTTP/1.0 200 OK\r\n" + JSON + b"\r\n{}", OK),
    "Connection: close": (OK_ANSWER.replace(b"\r\n", b"\r\nConnection: close\r\n", 1), OK),
    "a second answer behind it": (OK_ANSWER + OK_ANSWER, OK),
    "something else behind it": (OK_ANSWER + b"x", OK),
}


@pytest.mark.parametrize("is_split", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize(("sent", "answer"), KEPT.values(), ids=KEPT.keys())
async def test_an_answer_is_read_and_the_connection_kept(
    sent: bytes, answer: Answer, is_split: bool
) -> None:
    async def behave(connection: RawConnection) -> None:
        await connection.read_request()
        if is_split:
            for byte in sent:
                await connection.answer(bytes([byte]))
                await asyncio.sleep(0)
        else:
            await connection.answer(sent)
        await well(connection)

    async with a_server(behave) as server:
        pool = a_pool(server.url)
        assert await pool.ask("GET", "/") == answer
        assert await pool.ask("GET", "/") == OK
        assert server.connections == 1
        pool.close()


@pytest.mark.parametrize(("sent", "answer"), NOT_KEPT.values(), ids=NOT_KEPT.keys())
async def test_an_answer_is_read_and_the_connection_is_not_used_again(
    sent: bytes, answer: Answer
) -> None:
    async with a_server(sending(sent), well) as server:
        pool = a_pool(server.url)
        assert await pool.ask("GET", "/") == answer
        assert await pool.ask("GET", "/") == OK
        assert server.connections == 2
        pool.close()


async def test_an_answer_to_a_head_has_no_body_whatever_length_it_states() -> None:
    async with a_server(well) as server:
        pool = a_pool(server.url)
        stated = b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: 2\r\n\r\n"
        server.behaviours = [sending(stated, stated)]
        for _ in range(2):
            assert await pool.ask("HEAD", "/") == Answer(200, b"")
        assert server.connections == 2
        pool.close()


CUT = {
    "in the head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "after the head": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
    "in the body": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{",
    "in a chunk": CHUNKED + b"5\r\n{",
    "between chunks": CHUNKED + b"2\r\n{}\r\n",
    "in the last chunk": CHUNKED + b"2\r\n{}\r\n0\r\n",
    "after 100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "in a body that is coded": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{}",
}


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("sent", CUT.values(), ids=CUT.keys())
async def test_a_truncated_answer_is_never_taken_for_whole(sent: bytes, is_reset: bool) -> None:
    async def behave(connection: RawConnection) -> None:
        await connection.read_request()
        await connection.answer(sent)
        if is_reset:
            await until_received(pool, len(sent))
            connection.reset()

    async with a_server(behave) as server:
        pool = a_pool(server.url)
        with pytest.raises(HttpError, match="closed in the middle of an answer"):
            await pool.ask("GET", "/", is_repeatable=True)
        assert server.connections == 1
        pool.close()


async def test_a_body_without_an_end_is_not_whole_when_the_connection_is_reset() -> None:
    async def behave(connection: RawConnection) -> None:
        await connection.read_request()
        await connection.answer(b"HTTP/1.1 200 OK\r\n\r\n{")
        await until_received(pool, 20)
        connection.reset()

    async with a_server(behave) as server:
        pool = a_pool(server.url)
        with pytest.raises(HttpError, match="closed in the middle of an answer"):
            await pool.ask("GET", "/")
        pool.close()


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
async def test_a_connection_that_ends_before_an_answer_says_so(is_reset: bool) -> None:
    async def behave(connection: RawConnection) -> None:
        await connection.read_request()
        if is_reset:
            connection.reset()

    async with a_server(behave) as server:
        pool = a_pool(server.url)
        with pytest.raises(UnansweredError, match="closed before an answer came"):
            await pool.ask("GET", "/")
        pool.close()


async def test_a_server_that_half_closes_without_an_answer_is_not_waited_for() -> None:
    async def behave(connection: RawConnection) -> None:
        await connection.read_head()
        connection.writer.write_eof()
        await connection.saw_the_end()

    async with a_server(behave) as server:
        pool = a_pool(server.url)
        with pytest.raises(UnansweredError):
            await asyncio.wait_for(pool.ask("POST", "/", LONG_BODY), 20)
        pool.close()


NO_HTTP = {
    "something else": b"SSH-2.0-OpenSSH_9.6\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length and chunks": CHUNKED.replace(b"\r\n", b"\r\nContent-Length: 2\r\n", 1) + b"0\r\n\r\n",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "a chunk of no length": CHUNKED + b"x\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
    b"Connection: upgrade\r\n\r\n",
    "a head that is too long": b"HTTP/1.1 200 OK\r\nX: " + b"x" * (80 << 10),
    "answers to come without an end": b"HTTP/1.1 100 Continue\r\n\r\n" * 4000,
}


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP.keys())
async def test_what_is_not_an_answer_is_an_error_and_closes_the_connection(sent: bytes) -> None:
    async def behave(connection: RawConnection) -> None:
        await connection.read_request()
        await connection.answer(sent)
        await connection.saw_the_end()
        seen.set()

    seen = asyncio.Event()
    async with a_server(behave) as server:
        pool = a_pool(server.url)
        with pytest.raises(HttpError, match=r"is not HTTP|head of the answer is longer"):
            await asyncio.wait_for(pool.ask("GET", "/"), 20)
        await asyncio.wait_for(seen.wait(), 20)
        pool.close()


async def test_an_answer_that_states_a_length_beyond_the_limit_is_not_read() -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {MOST_ANSWER_BYTES + 1}\r\n\r\n"
    async with a_server(sending(head.encode())) as server:
        pool = a_pool(server.url)
        with pytest.raises(AnswerTooLongError):
            await pool.ask("GET", "/")
        pool.close()


async def test_an_answer_that_grows_beyond_the_limit_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_connection, "MOST_ANSWER_BYTES", 1000)

    async def behave(connection: RawConnection) -> None:
        await connection.read_request()
        await connection.answer(CHUNKED)
        while True:
            await connection.answer(b"100\r\n" + b"x" * 256 + b"\r\n")

    async with a_server(behave) as server:
        pool = a_pool(server.url)
        with pytest.raises(AnswerTooLongError):
            await asyncio.wait_for(pool.ask("GET", "/"), 20)
        pool.close()


async def test_a_server_that_reads_slowly_gets_a_long_body_piece_by_piece() -> None:
    may_read, digest = asyncio.Event(), hashlib.sha256()

    async def behave(connection: RawConnection) -> None:
        await connection.read_head()
        await may_read.wait()
        for _ in range(len(LONG_BODY) >> 12):
            digest.update(await connection.reader.readexactly(1 << 12))
        await connection.answer()
        await well(connection)

    async with a_server(behave) as server:
        pool = a_pool(server.url)
        asking = asyncio.create_task(pool.ask("POST", "/", LONG_BODY))
        await until(lambda: is_paused(pool), "it waits with the rest")
        (connection,) = pool._busy
        assert connection.transport is not None
        assert connection.transport.get_write_buffer_size() < 256 << 10

        may_read.set()

        assert await asyncio.wait_for(asking, 30) == OK
        assert digest.digest() == hashlib.sha256(LONG_BODY).digest()
        assert await pool.ask("GET", "/") == OK
        assert server.connections == 1
        pool.close()


@pytest.mark.parametrize("closes", [True, False])
async def test_an_answer_before_the_body_is_sent_ends_the_sending(closes: bool) -> None:
    refusal = b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n"

    async def behave(connection: RawConnection) -> None:
        await connection.read_head()
        await until(lambda: is_paused(pool), "it waits with the rest")
        await connection.answer(refusal)
        if closes:
            connection.writer.write_eof()
        await connection.saw_the_end()

    async with a_server(behave, well) as server:
        pool = a_pool(server.url)
        answer = await asyncio.wait_for(pool.ask("POST", "/", LONG_BODY), 20)
        assert answer == Answer(413, b"", "")
        assert await pool.ask("GET", "/") == OK
        assert server.connections == 2
        pool.close()


async def test_an_answer_while_the_transport_holds_a_rest_ends_the_use_of_the_connection() -> None:
    def pause(transport: asyncio.Transport) -> None:
        protocol = transport.get_protocol()
        assert isinstance(protocol, HttpConnection)
        protocol.pause_writing()

    async with a_server() as server:
        pool = a_pool(server.url)
        assert await pool.ask("POST", "/", b"{}", sent_on=pause) == OK
        assert await pool.ask("GET", "/") == OK
        assert server.connections == 2
        pool.close()


async def test_a_request_that_is_cancelled_closes_its_connection() -> None:
    ended = asyncio.Event()

    async def silent(connection: RawConnection) -> None:
        await connection.read_request()
        await connection.saw_the_end()
        ended.set()

    async with a_server(silent, well) as server:
        pool = a_pool(server.url)
        asking = asyncio.create_task(pool.ask("GET", "/"))
        await until(lambda: server.heads, "it is asked")
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(ended.wait(), 20)
        assert await pool.ask("GET", "/") == OK
        pool.close()


async def test_the_head_says_what_matters_and_nothing_else() -> None:
    head = request_head("POST", "/a?b=%20", "[::1]:8000", "application/json", 2)
    assert head.split(b"\r\n") == [
        b"POST /a?b=%20 HTTP/1.1",
        b"Host: [::1]:8000",
        b"Accept-Encoding: identity",
        b"Content-Type: application/json",
        b"Content-Length: 2",
        b"",
        b"",
    ]


@pytest.mark.parametrize(("method", "says"), [("GET", False), ("DELETE", True), ("POST", True)])
async def test_what_could_have_a_body_says_that_it_has_none(method: str, says: bool) -> None:
    assert (b"Content-Length: 0" in request_head(method, "/", "x", "", 0)) is says


async def test_bytes_of_a_path_that_are_no_text_are_sent_as_they_came() -> None:
    assert b"GET /?q=\xff\xc3\xbc HTTP/1.1" in request_head("GET", "/?q=\udcffü", "x", "", 0)


@pytest.mark.parametrize("bad", ["/\r\nX: y", "/ HTTP/1.1", "/\n", "/\x00", "/\x7f"])
async def test_a_path_that_would_end_the_request_line_is_refused(bad: str) -> None:
    async with a_server() as server:
        pool = a_pool(server.url)
        with pytest.raises(BadRequestError):
            await pool.ask("GET", bad)
        assert server.connections == 0
        pool.close()


@pytest.mark.parametrize("bad", ["a\r\nX: y", "a\n", "a\x00"])
async def test_a_content_type_that_would_be_more_than_one_header_is_refused(bad: str) -> None:
    with pytest.raises(BadRequestError):
        request_head("POST", "/", "x", bad, 0)


async def test_a_connection_that_is_not_open_sends_nothing() -> None:
    connection = HttpConnection(lambda: None)
    with pytest.raises(UnansweredError):
        await connection.ask("GET", b"", b"")
    assert "idle spent" in repr(connection)


def is_paused(pool: HttpPool) -> bool:
    return any(connection._writable is not None for connection in pool._busy)


async def until_received(pool: HttpPool, size: int) -> None:
    """Wait until the client has taken the bytes in: a reset may overtake those in the kernel."""
    await until(lambda: any(c._received_bytes >= size for c in pool._busy), f"{size} bytes came")
