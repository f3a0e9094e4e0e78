"""Who gets which connection; what is sent again, and what never is."""

import asyncio
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from lb.errors import HttpError, NotListeningError, UnansweredError
from lb.http_pool import HttpPool
from tests.unit.lb.raw_server import (
    OK_ANSWER,
    RawConnection,
    a_server,
    sending,
    well,
)
from tests.unit.lb.stand_ins import OK, until


def a_pool(url: str, limit: int = 4, idle_seconds: float = 30.0) -> HttpPool:
    return HttpPool(url, limit, idle_seconds, 2.0)


class Turns:
    """A server's behaviour: each request is answered when the test says so."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self._answers: list[asyncio.Event] = []

    async def behave(self, connection: RawConnection) -> None:
        while True:
            body = await connection.read_request()
            may_answer = asyncio.Event()
            self.asked.append(body)
            self._answers.append(may_answer)
            await may_answer.wait()
            await connection.answer()

    def answer(self, number: int) -> None:
        self._answers[number].set()


async def are_asked(turns: Turns, *bodies: bytes) -> None:
    await until(lambda: turns.asked == list(bodies), f"exactly {bodies} were asked")


async def test_a_connection_is_used_again() -> None:
    async with a_server() as server:
        pool = a_pool(server.url)
        for _ in range(3):
            assert await pool.ask("GET", "/") == OK
        assert server.connections == 1
        pool.close()


async def test_without_idle_time_each_request_has_a_connection_of_its_own() -> None:
    async with a_server() as server:
        pool = a_pool(server.url, limit=1, idle_seconds=0)
        for _ in range(3):
            assert await pool.ask("GET", "/") == OK
        assert server.connections == 3
        pool.close()


async def test_a_connection_that_is_idle_for_too_long_is_closed() -> None:
    ended = asyncio.Event()

    async def behave(connection: RawConnection) -> None:
        await connection.read_request()
        await connection.answer()
        await connection.saw_the_end()
        ended.set()

    async with a_server(behave, well) as server:
        pool = a_pool(server.url, limit=1, idle_seconds=0.05)
        assert await pool.ask("GET", "/") == OK
        await asyncio.wait_for(ended.wait(), 20)
        assert await pool.ask("GET", "/") == OK
        assert server.connections == 2
        pool.close()


async def test_a_connection_whose_time_passed_while_the_process_stood_still_is_not_used() -> None:
    async with a_server() as server:
        pool = a_pool(server.url)
        assert await pool.ask("GET", "/") == OK
        pool._idle[0].idle_since -= 31
        assert await pool.ask("POST", "/") == OK
        assert server.connections == 2
        pool.close()


async def closes(connection: RawConnection) -> None:
    connection.writer.close()


async def half_closes(connection: RawConnection) -> None:
    connection.writer.write_eof()
    await connection.saw_the_end()


async def resets(connection: RawConnection) -> None:
    connection.reset()


async def talks(connection: RawConnection) -> None:
    """Send an answer that nobody asked for: the next request must not get it."""
    await connection.answer(OK_ANSWER.replace(b"{}", b"[]"))
    await connection.saw_the_end()


@pytest.mark.parametrize("end", [closes, half_closes, resets, talks])
async def test_what_happens_to_an_idle_connection_is_noticed_before_the_next_request(
    end: "type[closes]",
) -> None:
    async def behave(connection: RawConnection) -> None:
        await connection.read_request()
        await connection.answer()
        await may_end.wait()
        await end(connection)

    may_end = asyncio.Event()
    async with a_server(behave, well) as server:
        pool = a_pool(server.url, limit=1)
        assert await pool.ask("GET", "/") == OK
        may_end.set()
        await until(lambda: not pool._idle[0].is_reusable, "it is spent")
        assert await pool.ask("POST", "/") == OK
        assert server.connections == 2
        pool.close()


async def ends_at_the_second(connection: RawConnection) -> None:
    """Answer once; close when the next request comes, as a server that was about to close."""
    await connection.read_request()
    await connection.answer()
    await connection.read_request()


async def test_a_request_that_may_be_repeated_is_repeated_once_on_a_new_connection() -> None:
    async with a_server(ends_at_the_second, well) as server:
        pool = a_pool(server.url, limit=1)
        for _ in range(3):
            assert await pool.ask("POST", "/", b"{}", is_repeatable=True) == OK
        assert (server.connections, len(server.heads)) == (2, 4)
        pool.close()


async def test_a_request_that_may_not_be_repeated_fails() -> None:
    async with a_server(ends_at_the_second, well) as server:
        pool = a_pool(server.url, limit=1)
        assert await pool.ask("PUT", "/", b"{}") == OK
        with pytest.raises(UnansweredError):
            await pool.ask("PUT", "/", b"{}")
        assert (server.connections, len(server.heads)) == (1, 2)
        assert await pool.ask("PUT", "/", b"{}") == OK
        pool.close()


async def test_a_second_failure_is_not_repeated() -> None:
    async with a_server(ends_at_the_second, sending(b"")) as server:
        pool = a_pool(server.url, limit=1)
        assert await pool.ask("GET", "/", is_repeatable=True) == OK
        with pytest.raises(UnansweredError):
            await pool.ask("GET", "/", is_repeatable=True)
        assert (server.connections, len(server.heads)) == (2, 3)
        pool.close()


async def test_a_request_that_fails_on_a_new_connection_is_not_repeated() -> None:
    async with a_server(sending(b""), well) as server:
        pool = a_pool(server.url, limit=1)
        with pytest.raises(UnansweredError):
            await pool.ask("GET", "/", is_repeatable=True)
        assert (server.connections, len(server.heads)) == (1, 1)
        pool.close()


async def test_a_request_whose_answer_had_begun_is_not_repeated() -> None:
    async with a_server(sending(OK_ANSWER, b"H"), well) as server:
        pool = a_pool(server.url, limit=1)
        assert await pool.ask("GET", "/", is_repeatable=True) == OK
        with pytest.raises(HttpError, match="in the middle of an answer"):
            await pool.ask("GET", "/", is_repeatable=True)
        assert len(server.heads) == 2
        pool.close()


async def test_who_finds_no_connection_free_waits_in_order() -> None:
    turns = Turns()
    async with a_server(turns.behave) as server, asyncio.TaskGroup() as tasks:
        pool = a_pool(server.url, limit=1)
        for body in (b"1", b"2", b"3"):
            tasks.create_task(pool.ask("POST", "/", body))
            await asyncio.sleep(0)
        await are_asked(turns, b"1")
        turns.answer(0)
        await are_asked(turns, b"1", b"2")
        turns.answer(1)
        await are_asked(turns, b"1", b"2", b"3")
        turns.answer(2)
    assert server.connections == 1
    pool.close()


async def test_no_more_connections_are_made_than_allowed() -> None:
    turns = Turns()
    async with a_server(turns.behave) as server, asyncio.TaskGroup() as tasks:
        pool = a_pool(server.url, limit=2)
        for _ in range(6):
            tasks.create_task(pool.ask("POST", "/", b"x"))
        for number in range(6):
            await until(lambda number=number: len(turns.asked) > number, f"request {number}")
            assert "waiting" in repr(pool)
            turns.answer(number)
    assert server.connections == 2
    pool.close()


async def test_who_waits_and_is_cancelled_holds_nobody_up() -> None:
    turns = Turns()
    async with a_server(turns.behave) as server:
        pool = a_pool(server.url, limit=1)
        first, second, third = (
            asyncio.create_task(pool.ask("POST", "/", body)) for body in (b"1", b"2", b"3")
        )
        await are_asked(turns, b"1")
        second.cancel()
        turns.answer(0)
        await are_asked(turns, b"1", b"3")
        turns.answer(1)
        assert await asyncio.gather(first, third) == [OK, OK]
        assert server.connections == 1
        pool.close()


async def test_who_is_cancelled_with_a_connection_in_hand_passes_it_on() -> None:
    turns = Turns()
    async with a_server(turns.behave) as server:
        pool = a_pool(server.url, limit=1)

        async def ask_and_cancel_the_next() -> None:
            await pool.ask("POST", "/", b"1")
            second.cancel()

        first = asyncio.create_task(ask_and_cancel_the_next())
        second, third = (asyncio.create_task(pool.ask("POST", "/", body)) for body in (b"2", b"3"))
        await are_asked(turns, b"1")
        turns.answer(0)
        await are_asked(turns, b"1", b"3")
        turns.answer(1)
        assert await third == OK
        assert first.done()
        assert second.cancelled()
        assert server.connections == 1
        pool.close()


async def test_a_connection_that_breaks_makes_room_for_who_waits() -> None:
    async with a_server(sending(b""), well) as server:
        pool = a_pool(server.url, limit=1)
        asking = [asyncio.create_task(pool.ask("GET", "/")) for _ in range(3)]
        results = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(results[0], UnansweredError)
        assert results[1:] == [OK, OK]
        assert server.connections == 2
        pool.close()


async def test_a_server_that_is_not_there_is_told_at_once_and_takes_no_room() -> None:
    async with a_server() as server:
        pass
    pool = a_pool(server.url, limit=1)
    for _ in range(3):
        with pytest.raises(NotListeningError, match=r"cannot connect to 127\.0\.0\.1:\d+: "):
            await asyncio.wait_for(pool.ask("GET", "/"), 20)
    pool.close()


async def test_a_name_that_nobody_has_is_an_error() -> None:
    pool = a_pool("http://a..b:80")
    with pytest.raises(NotListeningError, match="cannot connect"):
        await pool.ask("GET", "/")
    pool.close()


async def test_connecting_ends_in_time() -> None:
    """A full queue of connections to be accepted lets no more in, and says nothing."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for each in (first, second):
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        pool = HttpPool(f"http://127.0.0.1:{listener.getsockname()[1]}", 1, 30.0, 0.1)
        with pytest.raises(HttpError, match=r"no connection to .* within 0\.1 s") as raised:
            await asyncio.wait_for(pool.ask("GET", "/"), 20)
        assert not isinstance(raised.value, NotListeningError)
        pool.close()


async def test_the_host_is_named_as_its_url_names_it() -> None:
    async with a_server(host="::1") as server:
        pool = a_pool(server.url)
        assert await pool.ask("GET", "/") == OK
        assert f"Host: {server.url.removeprefix('http://')}\r\n".encode() in server.heads[0]
        pool.close()


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://chroma:80", "chroma"),
        ("https://chroma:443", "chroma"),
        ("https://chroma:80", "chroma:80"),
        ("http://[::1]:80", "[::1]"),
    ],
)
async def test_a_default_port_is_not_named(url: str, named: str) -> None:
    pool = a_pool(url)
    assert f"<HttpPool {named} " in repr(pool)
    pool.close()


def make_certificate(directory: Path) -> Path:
    file = directory / "certificate.pem"
    subject = ("-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1")
    arguments = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    files = ("-nodes", "-days", "1", "-keyout", str(file), "-out", str(directory / "public.pem"))
    subprocess.run(["openssl", *arguments, *subject, *files], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + (directory / "public.pem").read_bytes())
    return file


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_a_server_is_asked_over_tls_if_its_certificate_is_trusted(
    is_trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make_certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(file)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    body = b"x" * (1 << 20)
    async with a_server(tls=tls) as server:
        pool = a_pool(server.url)
        if is_trusted:
            for _ in range(2):
                assert await pool.ask("POST", "/", body) == OK
            assert server.connections == 1
        else:
            with pytest.raises(NotListeningError, match="certificate"):
                await pool.ask("GET", "/")
        pool.close()
        await until(lambda: not pool._busy, "all are closed")


async def test_who_sends_is_told_the_connection_before_anything_is_sent() -> None:
    async with a_server() as server:
        pool, told = a_pool(server.url), list[tuple[asyncio.Transport, int]]()
        for _ in range(2):
            await pool.ask("GET", "/", sent_on=lambda t: told.append((t, len(server.heads))))
        (first, heads_at_first), (second, heads_at_second) = told
        assert (first is second, heads_at_first, heads_at_second) == (True, 0, 1)
        pool.close()


async def test_closing_ends_idle_connections_requests_and_waiting() -> None:
    ended = []

    async def behave(connection: RawConnection) -> None:
        await connection.read_request()
        await connection.saw_the_end()
        ended.append(connection)

    async with a_server(sending(OK_ANSWER, OK_ANSWER), behave) as server:
        pool = a_pool(server.url, limit=2)
        assert await pool.ask("GET", "/") == OK
        idle = pool._idle[0]
        asking = [asyncio.create_task(pool.ask("GET", f"/{n}")) for n in range(4)]
        await until(lambda: len(server.heads) >= 3, "two are under way")

        pool.close()

        results = await asyncio.gather(*asking, return_exceptions=True)
        assert [r for r in results if not isinstance(r, HttpError)] in ([], [OK])
        await until(lambda: ended, "the server saw the end")
        assert not idle.is_reusable
        with pytest.raises(HttpError, match="has closed its connections"):
            await pool.ask("GET", "/")


async def test_a_connection_that_is_made_while_the_pool_is_closed_is_closed() -> None:
    async with a_server() as server:
        pool = a_pool(server.url)
        asking = asyncio.create_task(pool.ask("GET", "/"))
        await asyncio.sleep(0)
        pool.close()
        with pytest.raises(HttpError):
            await asyncio.wait_for(asking, 20)
        assert server.heads == []


async def test_who_listens_hears_of_connections_that_the_server_ends_and_of_no_others() -> None:
    async def behave(connection: RawConnection) -> None:
        await connection.read_request()
        await connection.answer()

    ends: list[None] = []
    async with a_server(behave, well) as server:
        pool = HttpPool(server.url, 4, 30.0, 2.0, lambda: ends.append(None))
        assert await pool.ask("GET", "/") == OK
        await until(lambda: len(ends) == 1, "the server has ended the first one")

        assert await pool.ask("GET", "/") == OK
        pool.close()
        await asyncio.sleep(0.01)

    assert len(ends) == 1
