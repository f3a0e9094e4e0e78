import pytest

from lb.canary import Canary
from lb.errors import InstanceUnreachableError, NobodyListensError, ServerFailedError
from lb.model import Answer
from lb.suspicion import CanaryResult
from tests.unit.lb.stand_ins import REFUSED


class StandInUpstream:
    """In place of an instance: gives every write of our own the same answer."""

    def __init__(self, answer: Answer | Exception) -> None:
        self.answer = answer

    async def probe(self, timeout_seconds: float) -> None:
        """Answer a heartbeat."""

    async def write_afresh(self, method: str, path: str, body: bytes, content_type: str) -> Answer:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "is_answered"),
    [
        (REFUSED, True),
        (ServerFailedError("primary", "HTTP 500"), False),
        (InstanceUnreachableError("primary", "refused"), False),
    ],
)
async def test_a_refusal_shows_that_new_connections_are_answered(
    answer: Answer | Exception, is_answered: bool
) -> None:
    """A barrier that took it for silence would hold its lanes for ever."""
    canary = Canary(StandInUpstream(answer), lambda: 0.0, 1.0)

    assert await canary.answers() is is_answered


MADE = b'{"id": "00000000-0000-4000-8000-00000000000%d", "name": "canary"}'


class WithCollections:
    """An instance that fails writes of the first so many collections that it ever had."""

    def __init__(self, torn: int, failure: Exception) -> None:
        self.torn = torn
        self.failure = failure
        self.made = 0
        self.has_one = False

    async def probe(self, timeout_seconds: float) -> None:
        """Answer a heartbeat."""

    async def write_afresh(self, method: str, path: str, body: bytes, content_type: str) -> Answer:
        if method == "DELETE":
            self.has_one = False
            return Answer(200, b"{}")
        if path.endswith("/collections"):
            self.made += not self.has_one
            self.has_one = True
            return Answer(200, MADE % self.made)
        if path.endswith("/upsert") and self.made <= self.torn:
            raise self.failure
        return Answer(200, b"{}")


async def test_a_collection_of_the_canary_that_fails_is_replaced_at_once() -> None:
    instance = WithCollections(1, ServerFailedError("primary", "HTTP 500 Error in compaction"))
    canary = Canary(instance, lambda: 0.0, 1.0)

    assert (await canary.ask()).result is CanaryResult.TAKEN
    assert instance.made == 2


async def test_a_collection_of_the_canary_of_which_the_server_ends_is_replaced_the_next_time() -> (
    None
):
    instance = WithCollections(1, InstanceUnreachableError("primary", "connection lost"))
    canary = Canary(instance, lambda: 0.0, 1.0)

    results = [(await canary.ask()).result for _ in range(2)]
    assert results == [CanaryResult.SILENT, CanaryResult.TAKEN]


async def test_a_server_that_fails_the_new_collection_too_is_given_no_further_one() -> None:
    instance = WithCollections(9, ServerFailedError("primary", "HTTP 500 poisoned"))
    canary = Canary(instance, lambda: 0.0, 1.0)

    results = {(await canary.ask()).result for _ in range(5)}
    assert results == {CanaryResult.FAILED}
    assert instance.made == 2


@pytest.mark.parametrize(
    "failure",
    [
        ServerFailedError("primary", "HTTP 500 database or disk is full"),
        NobodyListensError("primary", "connection refused"),
    ],
)
async def test_a_full_disk_or_a_server_that_is_away_is_no_reason_to_replace_it(
    failure: Exception,
) -> None:
    instance = WithCollections(9, failure)
    canary = Canary(instance, lambda: 0.0, 1.0)

    for _ in range(3):
        await canary.ask()
    assert instance.made == 1
