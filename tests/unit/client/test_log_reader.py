import socket
from contextlib import closing
from itertools import count

from harness.client.log_reader import LogReader
from tests.unit.client.scripted_server import serving


async def test_a_database_that_is_not_there_is_a_sample_with_its_error() -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"postgresql://postgres@127.0.0.1:{unused.getsockname()[1]}/postgres"
        reader = LogReader(url, "AUTOTEST_", count().__next__)
        sample = await reader.sample()
        assert await reader.rows() == ()
    assert "refused" in sample.error.lower()
    assert not sample.is_log


async def test_a_database_that_hangs_is_given_up_in_time() -> None:
    async with serving(None) as server:
        url = server.url.replace("http://", "postgresql://postgres@") + "/postgres?sslmode=disable"
        sample = await LogReader(url, "AUTOTEST_", count().__next__, 0.3).sample()
    assert "TimeoutError" in sample.error
