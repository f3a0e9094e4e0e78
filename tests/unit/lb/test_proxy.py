import asyncio
from dataclasses import dataclass, field

import pytest
from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from lb.bodies import Bodies
from lb.budget import Account, BodyBudget
from lb.errors import BadRequestError, NoInstanceError
from lb.figures import Figures
from lb.logs import served
from lb.model import Answer
from lb.proxy import Proxy, Service, client_session, plain_word
from tests.unit.lb.stand_ins import OK

COLLECTIONS = "/api/v2/tenants/t/databases/d/collections"


@dataclass
class StandInRequest:
    """In place of a request: its headers, as aiohttp decodes them, and where it came from."""

    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    remote: str | None = "127.0.0.1"


def with_header(name: str, value: str) -> StandInRequest:
    return StandInRequest(CIMultiDict({name: value}))


@pytest.mark.parametrize("value", ["a", "x" * 200, "!~", "6f1c-9"])
def test_a_plain_word_is_a_transaction_id(value: str) -> None:
    assert plain_word(value) == value


@pytest.mark.parametrize("value", ["", " ", "a b", "x" * 201, "ü", "\udcff", "a\tb"])
def test_anything_else_is_refused(value: str) -> None:
    with pytest.raises(BadRequestError, match="Transaction-ID"):
        plain_word(value)


def test_a_transaction_id_may_be_left_out() -> None:
    assert plain_word(None) is None


def test_a_session_is_the_word_of_the_client_or_its_address() -> None:
    assert client_session(with_header("Client-Session", "editor 7")) == "editor 7"
    assert client_session(with_header("Client-Session", "")) == "127.0.0.1"
    assert client_session(StandInRequest()) == "127.0.0.1"
    assert client_session(StandInRequest(remote=None)) == ""
    assert len(client_session(with_header("Client-Session", "x" * 1000))) == 200


def test_a_session_that_is_not_text_can_still_be_logged() -> None:
    """aiohttp decodes the byte 0xff to a lone surrogate, which PostgreSQL cannot hold."""
    session = client_session(with_header("Client-Session", "editor\udcff"))

    assert session.encode().startswith(b"editor")


@dataclass
class StandInService:
    """In place of reads and writes: notes whom log lines would name, and answers."""

    answer_with: Answer | Exception = OK
    named: list[dict[str, str]] = field(default_factory=list)

    async def write(self, _: object) -> Answer:
        self.named.append(dict(served()))
        if isinstance(self.answer_with, Exception):
            raise self.answer_with
        return self.answer_with

    async def answer(self, *_: object) -> Answer:
        return await self.write(_)


class Bench:
    """A proxy that is active, before a stand-in."""

    def __init__(self) -> None:
        self.figures = Figures((), lambda: 0.0)
        bodies = Bodies(BodyBudget(Account(lambda: 1000), 10, 1.0), 100, 1.0)
        self.proxy = Proxy(bodies, 1.0, lambda: 0.0, self.figures)
        self.behind = StandInService()
        self.proxy.activate(Service(self.behind, self.behind, None))

    async def ask(self, method: str, path: str, **headers: str) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        loop = asyncio.get_running_loop()
        payload = StreamReader(BaseProtocol(loop), 1000) if "Content-Length" in named else None
        request = make_mocked_request(method, path, headers=named, payload=payload or EMPTY_PAYLOAD)
        return await self.proxy.handle(request)

    def counted(self, kind: str, status: str) -> float | None:
        return self.figures.registry.get_sample_value(
            "chroma_lb_request_seconds_count", {"kind": kind, "status": status}
        )


async def test_log_lines_about_a_write_name_its_transaction_and_client() -> None:
    bench = Bench()

    await bench.ask("DELETE", f"{COLLECTIONS}/a", Transaction_ID="t1", Client_Session="editor 7")

    assert bench.behind.named == [{"session": "editor 7", "transaction_id": "t1"}]
    assert dict(served()) == {}


async def test_log_lines_about_a_read_name_its_client() -> None:
    bench = Bench()

    await bench.ask("GET", f"{COLLECTIONS}/a", Client_Session="editor 7")

    assert bench.behind.named == [{"session": "editor 7"}]


async def test_requests_are_counted_by_kind_and_status() -> None:
    bench = Bench()
    await bench.ask("DELETE", f"{COLLECTIONS}/a")
    await bench.ask("GET", f"{COLLECTIONS}/a")
    bench.behind.answer_with = NoInstanceError("none")
    await bench.ask("GET", f"{COLLECTIONS}/a")
    await bench.ask("GET", "/api/v2/nowhere")

    assert bench.counted("write", "2xx") == 1
    assert [bench.counted("read", each) for each in ("2xx", "4xx", "5xx")] == [1, 1, 1]


async def test_a_write_with_too_long_a_body_counts_as_a_write() -> None:
    bench = Bench()

    response = await bench.ask("POST", f"{COLLECTIONS}/a/add", Content_Length="101")

    assert response.status == 413
    assert bench.counted("write", "4xx") == 1


async def test_a_request_that_ends_by_a_fault_of_ours_counts_as_a_5xx() -> None:
    bench = Bench()
    bench.behind.answer_with = ZeroDivisionError()

    with pytest.raises(ZeroDivisionError):
        await bench.ask("GET", f"{COLLECTIONS}/a")

    assert bench.counted("read", "5xx") == 1
    assert (bench.proxy.served, bench.proxy.failed, bench.proxy.in_flight) == (1, 1, 0)
    assert dict(served()) == {}
