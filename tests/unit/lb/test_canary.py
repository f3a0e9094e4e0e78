import pytest

from lb.canary import Canary
from lb.errors import InstanceUnreachableError, ServerFailedError
from lb.model import Answer
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
