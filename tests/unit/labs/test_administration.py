import pytest

from harness.errors import FaultError
from harness.labs.administration import Administration, Belief, bearer
from tests.unit.client.scripted_server import answer, serving

BELIEFS = b"""{"instances": [
    {"name": "primary", "healthy": true, "url": "http://chroma-1.example.com"},
    {"name": "replica", "healthy": false, "forced": false}
]}"""


async def test_what_is_believed_of_an_instance_is_read_beside_all_else_that_is_said() -> None:
    async with serving(answer(200, BELIEFS)) as server:
        administration = Administration(server.url, bearer("for-admins"))
        assert await administration.belief("replica") == Belief("replica", False, False)
        assert await administration.why_not("primary") == ""
    assert b"authorization: bearer for-admins" in server.requests[0].lower()


@pytest.mark.parametrize(
    ("scripted", "told"),
    [
        (answer(404, b"no such path"), "GET /admin/instances was answered 404 no such path"),
        (answer(401, b"send it"), "was answered 401 send it; is CHROMA_CHAOS_ADMIN_TOKEN right?"),
        (answer(200, b"<html>"), "makes no sense"),
        (answer(200, b'{"instances": [{"name": "a", "healthy": true}]}'), "it has a"),
        (b"", "got no answer"),
    ],
)
async def test_why_health_cannot_be_forced_is_said_in_words(scripted: bytes, told: str) -> None:
    async with serving(scripted) as server:
        administration = Administration(server.url, {})
        assert told in await administration.why_not("primary")


async def test_a_word_that_is_not_taken_is_an_error() -> None:
    async with serving(answer(400, b"not so")) as server:
        administration = Administration(server.url, {})
        with pytest.raises(FaultError, match="health was answered 400 not so"):
            await administration.force("primary", healthy=False, seconds=60)
    assert server.requests[0].startswith(b"POST /admin/instances/primary/health")
