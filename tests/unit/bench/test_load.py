"""The load generator, against a small server of its own."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from bench import load
from bench.connection import Connection
from bench.load import Generator, quantile_ms
from bench.order import Order, Sort

OK = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nTransaction-ID: t-1\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\nRetry-After: 0\r\n\r\n{}"
LAST = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


@asynccontextmanager
async def server(*answers):
    """Answer requests in turn, the last answer for ever; an empty one closes the connection."""
    left = list(answers)
    heads = []

    async def serve(reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                heads.append(head)
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                answer = left.pop(0) if len(left) > 1 else left[0]
                writer.write(answer)
                if not answer or b"close" in answer:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1], heads
    finally:
        listening.close()
        await listening.wait_closed()


def order(port, **more):
    defaults = {"sort": Sort.GET, "collections": ("c",), "clients": 2, "count": 10}
    return Order(port=port, **{**defaults, **more})


async def test_a_count_is_kept_exactly():
    async with server(OK) as (port, heads):
        outcome = await Generator(order(port)).run()
    assert outcome.completed == len(heads) == 10
    assert outcome.failed == 0
    assert 0 < outcome.p50_ms <= outcome.p99_ms <= outcome.most_ms
    assert outcome.rate == pytest.approx(10 / outcome.seconds)


async def test_a_window_ends_the_loop():
    async with server(OK) as (port, heads):
        timed = order(port, count=None, warmup_seconds=0.05, window_seconds=0.1)
        outcome = await Generator(timed).run()
    assert outcome.seconds == 0.1
    # What was answered while it warmed up does not count.
    assert 0 < outcome.completed < len(heads)


async def test_refusals_are_failures_unless_clients_try_again():
    async with server(BUSY, OK) as (port, _):
        outcome = await Generator(order(port, clients=1)).run()
    assert (outcome.completed, outcome.failed, outcome.statuses) == (9, 1, {"503": 1})
    async with server(BUSY, OK) as (port, heads):
        outcome = await Generator(order(port, clients=1, retries=True)).run()
    assert (outcome.completed, outcome.failed, outcome.refused) == (10, 0, 1)
    assert len(heads) == 11


async def test_who_tries_again_does_so_on_a_new_connection_too(monkeypatch):
    monkeypatch.setattr(load, "_BROKEN_PAUSE_SECONDS", 0.0)
    closing = BUSY.replace(b"Retry-After: 0", b"Retry-After: 0\r\nConnection: close")
    async with server(closing, b"", OK) as (port, heads):
        outcome = await Generator(order(port, clients=1, count=2, retries=True)).run()
    assert (outcome.completed, outcome.failed, outcome.refused) == (2, 0, 2)
    assert len(heads) == 4


async def test_a_broken_connection_is_a_failure_and_is_opened_again():
    async with server(b"", OK) as (port, _):
        outcome = await Generator(order(port, clients=1, count=3)).run()
    assert (outcome.completed, outcome.failed) == (2, 1)


async def test_a_connection_that_the_server_ends_is_opened_again():
    async with server(LAST, LAST, OK) as (port, _):
        outcome = await Generator(order(port, clients=1, count=5)).run()
    assert (outcome.completed, outcome.failed) == (5, 0)


async def test_clients_give_up_when_the_server_is_gone(monkeypatch):
    monkeypatch.setattr(load, "_BROKEN_PAUSE_SECONDS", 0.0)
    async with server(b"") as (port, _):
        outcome = await Generator(order(port, clients=1, count=1_000)).run()
    assert (outcome.completed, outcome.failed) == (0, load._MOST_BROKEN_IN_A_ROW)


async def test_what_is_never_answered_is_a_failure(monkeypatch):
    monkeypatch.setattr(load, "_LAST_ANSWERS_SECONDS", 0.1)
    async with server(b"HTTP/1.1 200 OK\r\n") as (port, _):
        outcome = await Generator(order(port, clients=1, window_seconds=0.5)).run()
    assert (outcome.completed, outcome.statuses) == (0, {"no answer in time": 1})


async def test_an_answer_has_its_headers_by_lower_case_name():
    async with server(OK) as (port, _):
        connection = await Connection.open("127.0.0.1", port)
        reply = await connection.exchange(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        connection.close()
    assert (reply.status, reply.headers[b"transaction-id"]) == (201, b"t-1")


async def test_nonsense_is_a_broken_connection():
    async with server(b"nonsense\r\n\r\n") as (port, _):
        connection = await Connection.open("127.0.0.1", port)
        with pytest.raises(ConnectionError, match="not HTTP"):
            await connection.exchange(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")


def test_quantiles_are_of_the_nearest_rank():
    ordered = [n * 1_000_000 for n in range(1, 11)]
    assert [quantile_ms(ordered, share) for share in (0.0, 0.5, 0.95, 1.0)] == [1, 6, 10, 10]
    assert quantile_ms([], 0.5) == 0.0
