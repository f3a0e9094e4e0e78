import pytest

from harness.client.guard import Guard
from harness.client.housekeeper import Housekeeper
from harness.errors import LeftoverError, ProtectedCollectionError
from tests.unit.client.scripted_server import answer, serving

GUARD = Guard(("test_",))


@pytest.mark.parametrize("name", ["global", "customers"])
async def test_what_the_guard_does_not_allow_is_refused_before_anything_is_sent(name: str) -> None:
    async with serving(answer(200, b"{}")) as server, Housekeeper(server.url, GUARD) as keeper:
        with pytest.raises(ProtectedCollectionError, match=name):
            await keeper.remove(name)
        assert server.requests == []


async def test_only_what_the_guard_allows_is_found() -> None:
    body = b'[{"id":"1","name":"test_b"},{"id":"2","name":"global"},{"id":"3","name":"test_a"}]'
    async with serving(answer(200, body)) as server, Housekeeper(server.url, GUARD) as keeper:
        assert await keeper.found() == ["test_a", "test_b"]


@pytest.mark.parametrize("scripted", [answer(500, b"{}"), answer(200, b"<html>"), b""])
async def test_a_load_balancer_that_does_not_list_is_no_empty_one(scripted: bytes) -> None:
    async with serving(scripted) as server, Housekeeper(server.url, GUARD) as keeper:
        with pytest.raises(LeftoverError, match="does not list"):
            await keeper.found()


@pytest.mark.parametrize(
    ("scripted", "told"),
    [
        (answer(200, b"{}"), ""),
        (answer(404, b"{}"), ""),
        (answer(403, b"protected"), "status 403 protected"),
        (b"", "ReadError"),
    ],
)
async def test_one_that_is_gone_is_removed_and_anything_else_is_said(
    scripted: bytes, told: str
) -> None:
    async with serving(scripted) as server, Housekeeper(server.url, GUARD) as keeper:
        said = await keeper.remove("test_a")
    assert (told in said) if told else said == ""
