"""A load balancer may answer anything about itself: it is recorded, and no run ends by it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count

import msgspec
import pytest

from harness.checkers.judge import judge
from harness.client.lb_voice import LbVoice
from harness.model.history import History
from harness.model.observation import LbAnswer
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import OLD, add, created, final, history
from tests.unit.client.scripted_server import answer, serving

GZIP = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope"
STRANGE = {
    "missing": answer(404, b"{}"),
    "a page": answer(200, b"<html>welcome</html>"),
    "no text": answer(200, b"\xff\xfe\x00"),
    "nothing": answer(200, b""),
    "a list": answer(200, b"[1, 2]"),
    "a number": answer(200, b"7"),
    "another object": answer(200, b'{"ok": true}'),
    "deep": answer(200, b"[" * 200_000),
    "torn": b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{",
    "badly packed": GZIP,
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "elsewhere": b"HTTP/1.1 302 Found\r\nlocation: http://[::\r\ncontent-length: 0\r\n\r\n",
    "reset": b"",
    "hanging": None,
    "huge": answer(200, b" " * 5_000_000),
}
PATHS = ("/wal/status", "/status", "/collection/mappings", "/transactions/t")


async def ask(scripted: bytes | None, *paths: str) -> list[LbAnswer]:
    patience_seconds = 0.3 if scripted is None else 20.0
    clock = count().__next__
    async with serving(scripted) as server, LbVoice(server.url, clock, patience_seconds) as voice:
        return [await voice.ask(path) for path in paths]


async def test_a_sensible_answer_is_kept_word_for_word_with_its_times() -> None:
    assert await ask(answer(200, b'{"a": 1}'), "/status") == [
        LbAnswer(path="/status", asked_ns=0, answered_ns=1, status=200, body='{"a": 1}')
    ]


@pytest.mark.parametrize("scripted", STRANGE.values(), ids=STRANGE)
async def test_a_strange_answer_is_evidence_and_means_not_offered(scripted: bytes | None) -> None:
    answers = await ask(scripted, *PATHS)
    verdicts = {verdict.checker: verdict for verdict in judge(foreign(answers), FINALS)}
    for checker in ("mappings", "log-drained", "status-figures", "health-figures", "transactions"):
        assert verdicts[checker].outcome is Outcome.NOT_OFFERED, verdicts[checker]
        assert "not" in verdicts[checker].reason


FINALS = [final(OLD), final(OLD, instance="replica")]


def foreign(answers: list[LbAnswer]) -> History:
    written = msgspec.structs.replace(add(OLD, 2, 3), transaction_id="t")
    return history(created(), written, *answers)


@asynccontextmanager
async def trickling() -> AsyncIterator[str]:
    """A server that sends one byte of an endless answer now and then."""
    handlers: list[asyncio.Task[None]] = []

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.append(task)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        while not reader.at_eof():
            writer.write(b" ")
            with suppress(TimeoutError, ConnectionError):
                await asyncio.wait_for(reader.read(1), 0.05)
        writer.close()

    listener = await asyncio.start_server(trickle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        await asyncio.wait(handlers, timeout=5.0)
        await listener.wait_closed()


async def test_an_answer_that_trickles_in_is_given_up() -> None:
    async with trickling() as url, LbVoice(url, time.monotonic_ns, 0.3) as voice:
        given = await voice.ask("/status")
    assert given.error == "no whole answer within 0.3 s"
    assert given.status == 0
