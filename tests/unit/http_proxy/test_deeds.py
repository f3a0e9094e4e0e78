"""What a rule does to the requests that it means, and what is counted of it."""

import asyncio
import gc
from contextlib import suppress

import pytest

from harness.http_proxy.rules import (
    Answer,
    DropAnswer,
    Hold,
    Rule,
    StopAnswer,
    StopRequest,
    Tally,
    What,
)
from tests.unit.http_proxy.rig import Server, proxy_before, reset

BEAT = b"GET /api/v2/heartbeat HTTP/1.1\r\nHost: x\r\n\r\n"
ADD = b"POST /c/id/add HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
REFUSED = b"HTTP/1.1 400 No\r\nContent-Length: 2\r\n\r\n{}"


async def test_an_answered_request_never_reaches_the_server_and_its_connection_goes_on() -> None:
    server = Server(OK)
    async with proxy_before(server) as rig:
        await rig.set(Rule(name="r", what=What.WRITES, deed=Answer(503)))
        reader, writer = await rig.connect()
        writer.write(BEAT + ADD + BEAT)
        assert await reader.readexactly(len(OK)) == OK
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 503 ")
        assert (await reader.readuntil(b"}")).startswith(b'{"error"')
        assert await reader.readexactly(len(OK)) == OK
        tally = await rig.tally("r")
    assert bytes(server.came) == 2 * BEAT
    assert (tally.taken, tally.done, tally.first) == (1, 1, "POST .../id/add")


async def test_only_so_many_requests_meet_the_rule_and_none_after_it_is_lifted() -> None:
    async with proxy_before(Server(OK)) as rig:
        await rig.set(Rule(name="r", what=What.WRITES, deed=Answer(500), most=2))
        answers = [await rig.exchange(ADD, 12) for _ in range(3)]
        assert [answer[9:12] for answer in answers] == [b"500", b"500", b"200"]
        await rig.set(Rule(name="r", what=What.WRITES, deed=Answer(500)))
        tally = await rig.lift("r")
        assert (tally.in_force, tally.done) == (False, 0)
        assert await rig.exchange(ADD, len(OK)) == OK


async def test_a_dropped_answer_is_of_a_request_that_the_server_carried_out() -> None:
    server = Server(OK)
    async with proxy_before(server) as rig:
        await rig.set(Rule(name="r", what=What.ADD, deed=DropAnswer(), most=1))
        reader, writer = await rig.connect()
        writer.write(ADD)
        assert await reader.read() == b""
        assert (await rig.tally("r")).done == 1
        assert await rig.exchange(ADD, len(OK)) == OK
    assert bytes(server.came) == 2 * ADD


async def test_a_dropped_refusal_does_not_count_as_carried_out() -> None:
    async with proxy_before(Server(REFUSED)) as rig:
        await rig.set(Rule(name="r", what=What.ADD, deed=DropAnswer()))
        reader, writer = await rig.connect()
        writer.write(ADD)
        assert await reader.read() == b""
        tally = await rig.tally("r")
    assert (tally.taken, tally.done, tally.under_way) == (1, 0, 0)


async def test_a_held_request_comes_late_and_its_answer_still_arrives() -> None:
    server = Server(OK)
    async with proxy_before(server) as rig:
        await rig.set(Rule(name="r", what=What.ADD, deed=Hold(0.3)))
        reader, writer = await rig.connect()
        writer.write(ADD)
        held = await rig.tally("r", awaited=True)
        assert (held.taken, held.done, held.under_way) == (1, 0, 1)
        assert server.came == b""
        assert await rig.exchange(BEAT, len(OK)) == OK, "others are not held"
        assert await reader.readexactly(len(OK)) == OK
        tally = await rig.tally("r")
    assert (tally.done, tally.given_up, tally.under_way) == (1, 0, 0)


@pytest.mark.parametrize("leave", [reset, lambda writer: writer.close()], ids=["reset", "close"])
async def test_a_held_request_is_carried_out_although_its_client_has_left(leave) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # As Chroma does, this gives up a request whose client ends the connection meanwhile.
        await reader.readexactly(len(ADD))
        with suppress(TimeoutError):
            assert await asyncio.wait_for(reader.read(), 0.2) == b""
            writer.close()
            return
        writer.write(OK)
        await reader.read()
        writer.close()

    async with proxy_before(script) as rig:
        await rig.set(Rule(name="r", what=What.ADD, deed=Hold(0.3)))
        _, writer = await rig.connect()
        writer.write(ADD)
        await rig.tally("r", awaited=True)
        leave(writer)
        del writer

        def is_over(tally: Tally) -> bool:
            # Nobody but the proxy itself keeps what it still has to do.
            gc.collect()
            return not tally.under_way

        tally = await rig.tally_when("r", is_over)
    assert (tally.done, tally.given_up) == (1, 1)


async def test_a_lifted_rule_still_delivers_what_it_holds() -> None:
    async with proxy_before(Server(OK)) as rig:
        await rig.set(Rule(name="r", what=What.ADD, deed=Hold(0.3)))
        reader, writer = await rig.connect()
        writer.write(ADD)
        await rig.tally("r", awaited=True)
        assert (await rig.lift("r")).under_way == 1
        assert await reader.readexactly(len(OK)) == OK
        assert (await rig.tally("r")).done == 1


async def test_a_stopped_request_reaches_the_server_when_the_rule_is_lifted() -> None:
    server = Server(OK)
    async with proxy_before(server) as rig:
        await rig.set(Rule(name="r", what=What.ADD, deed=StopRequest(), most=1))
        reader, writer = await rig.connect()
        writer.write(ADD)
        tally = await rig.tally("r", awaited=True)
        assert tally.first_ns
        assert server.came == b""
        assert await rig.exchange(ADD, len(OK)) == OK, "only one is stopped"
        await rig.lift("r")
        assert await reader.readexactly(len(OK)) == OK


async def test_a_stopped_answer_reaches_the_client_although_the_server_is_gone_by_then() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(ADD))
        writer.write(OK)
        await writer.drain()
        reset(writer)

    async with proxy_before(script) as rig:
        await rig.set(Rule(name="r", what=What.ADD, deed=StopAnswer(), most=1))
        reader, writer = await rig.connect()
        writer.write(ADD)
        await rig.tally("r", awaited=True)
        await rig.lift("r")
        assert await reader.readexactly(len(OK)) == OK


async def test_a_rule_that_was_never_set_has_done_nothing() -> None:
    async with proxy_before(Server(OK)) as rig:
        tally = await rig.lift("never")
    assert (tally.in_force, tally.taken, tally.done) == (False, 0, 0)


HEAD = b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nTrailer: yes\r\n\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "answer"),
    [
        (HEAD, b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"),
        (b"POST /c/id/get HTTP/1.1\r\nHost: x\r\n" + CHUNKS, OK),
        (BEAT, b"HTTP/1.1 200 OK\r\n" + CHUNKS),
        (BEAT, b"HTTP/1.1 204 None\r\n\r\n"),
    ],
    ids=["HEAD", "chunks sent", "chunks answered", "204"],
)
async def test_a_rule_finds_its_request_behind_messages_of_every_shape(
    request_bytes: bytes, answer: bytes
) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(request_bytes))
        writer.write(answer)
        await reader.read()
        writer.close()

    async with proxy_before(script) as rig:
        await rig.set(Rule(name="r", what=What.ADD, deed=Answer(503)))
        reader, writer = await rig.connect()
        writer.write(request_bytes + ADD)
        async with asyncio.timeout(20):
            assert await reader.readexactly(len(answer)) == answer
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 503 ")


async def test_an_answer_that_only_says_go_on_is_not_the_one_that_is_dropped() -> None:
    go_on = b"HTTP/1.1 100 Continue\r\n\r\n"
    async with proxy_before(Server(go_on + OK)) as rig:
        await rig.set(Rule(name="r", what=What.ADD, deed=DropAnswer()))
        reader, writer = await rig.connect()
        writer.write(ADD)
        assert await reader.read() == go_on
        assert (await rig.tally("r")).done == 1
