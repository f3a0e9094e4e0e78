from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from lb.errors import LogUnavailableError
from lb.transactions import Transaction, of_entry
from lb.webhook import LONGEST_RETRY_SECONDS, LOOK_SECONDS, RecoveryWebhook, pause_seconds
from tests.unit.lb.stand_ins import OK, an_entry


@dataclass
class StandInReader:
    """In place of PostgreSQL: what is to be told, and what was noted."""

    untold: list[Transaction] = field(default_factory=list)
    noted: list[tuple[int, bool]] = field(default_factory=list)
    is_away: bool = False

    async def untold_recoveries(self, _: int) -> list[Transaction]:
        if self.is_away:
            raise LogUnavailableError("away")
        return self.untold

    async def note_webhook(self, position: int, told: bool) -> None:
        self.noted.append((position, told))


@dataclass
class StandInSession:
    """In place of the receiver: answers statuses, or breaks the connection."""

    behaviours: list[int | Exception]

    def post(self, url: str, **_: Any) -> "StandInSession":
        self.status = 0
        return self

    async def __aenter__(self) -> "StandInSession":
        behaviour = self.behaviours.pop(0)
        if isinstance(behaviour, Exception):
            raise behaviour
        self.status = behaviour
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("behaviours", "noted", "went_well"),
    [
        ([200, 204], [(1, True), (2, True)], True),
        ([200, 500], [(1, True), (2, False)], False),
        ([302], [(1, False)], False),
        ([aiohttp.ClientError("reset")], [(1, False)], False),
        ([TimeoutError()], [(1, False)], False),
    ],
)
async def test_a_round_ends_at_the_first_that_could_not_be_told(
    behaviours: list[int | Exception], noted: list[tuple[int, bool]], went_well: bool
) -> None:
    reader = StandInReader([of_entry(an_entry(1, outcome=OK)), of_entry(an_entry(2, outcome=OK))])

    result = await RecoveryWebhook("http://x", reader)._round(StandInSession(behaviours))

    assert result is went_well
    assert reader.noted == noted


async def test_without_postgres_the_webhook_waits() -> None:
    webhook = RecoveryWebhook("http://x", StandInReader(is_away=True))

    assert await webhook._round(StandInSession([])) is False


def test_the_pause_grows_with_failures_up_to_a_limit() -> None:
    pauses = [pause_seconds(failures) for failures in range(1, 60)]

    assert pause_seconds(0) == LOOK_SECONDS
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[1]
    assert pauses[-1] == LONGEST_RETRY_SECONDS
