import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer, make_mocked_request

from lb.errors import NotFoundError
from lb.live_page import CONTENT_TYPES, LivePage
from lb.watchers import Watchers
from tests.unit.lb.stand_ins import until

MORE_THAN_BUFFERS_HOLD = b"x" * 20_000_000


class Bench:
    """A page that is served on a real socket, to watchers that behave badly."""

    def __init__(self, snapshot: bytes) -> None:
        self.page = LivePage(None)
        self.page.watchers = Watchers(lambda: snapshot, patience_seconds=0.2)
        application = web.Application()
        application.add_routes(self.page.routes())
        self.server = TestServer(application)

    @property
    def watching(self) -> int:
        return self.page.watchers._count

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Ask for the events, and read nothing yet."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(b"GET /events HTTP/1.1\r\nHost: test\r\n\r\n")
        await until(lambda: self.watching == 1, "somebody watches")
        return reader, writer


@pytest_asyncio.fixture(params=[MORE_THAN_BUFFERS_HOLD, b"{}"], ids=["large", "small"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    bench = Bench(request.param)
    await bench.server.start_server()
    task = asyncio.create_task(bench.page.watchers.run(), name="watchers")
    yield bench
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await bench.server.close()


@pytest.mark.parametrize("bench", [MORE_THAN_BUFFERS_HOLD], indirect=True)
async def test_a_connection_that_is_not_read_is_cut(bench: Bench) -> None:
    reader, writer = await bench.connect()

    await until(lambda: bench.watching == 0, "it is dropped")
    try:
        received = await reader.read()
    finally:
        writer.close()
    assert len(received) < len(MORE_THAN_BUFFERS_HOLD)


async def test_who_leaves_is_not_counted_any_more(bench: Bench) -> None:
    _, writer = await bench.connect()

    writer.transport.abort()

    await until(lambda: bench.watching == 0, "it is forgotten")


@pytest.mark.parametrize("name", CONTENT_TYPES)
async def test_each_file_has_its_type(name: str) -> None:
    request = make_mocked_request("GET", f"/page/{name}", match_info={"file": name})

    response = await LivePage(None).file(request)

    assert response.content_type == CONTENT_TYPES[name]
    assert response.body


@pytest.mark.parametrize("name", ["", "..", "../app.py", "nothing"])
async def test_nothing_but_the_files_of_the_page_is_served(name: str) -> None:
    request = make_mocked_request("GET", "/page/x", match_info={"file": name})

    with pytest.raises(NotFoundError):
        await LivePage(None).file(request)
