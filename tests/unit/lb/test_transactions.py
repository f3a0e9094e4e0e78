from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from lb.errors import NotFoundError
from lb.model import Answer, Entry
from lb.transaction_figures import TransactionFigures
from lb.transaction_log import TransactionLog
from lb.transactions import Transaction, TransactionState, Wanted, of_entry, readable, state_of
from tests.unit.lb.stand_ins import LANE, OK, REFUSED, a_fleet, a_tail, an_entry

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def settled(position: int, answer: Answer, *, seconds: float = 1, told: bool = False) -> Entry:
    entry = an_entry(position, outcome=answer)
    entry.logged_at, entry.settled_at = START, START + timedelta(seconds=seconds)
    entry.told_to_wait = told
    return entry


@pytest.mark.parametrize(
    ("outcome", "told", "state"),
    [
        (None, False, TransactionState.ATTEMPTING),
        (None, True, TransactionState.ATTEMPTING),
        (OK, False, TransactionState.COMPLETED),
        (OK, True, TransactionState.RECOVERED),
        (REFUSED, False, TransactionState.FAILED),
        (REFUSED, True, TransactionState.FAILED),
    ],
)
def test_the_state_follows_from_the_outcome_and_what_was_told(
    outcome: Answer | None, told: bool, state: TransactionState
) -> None:
    assert state_of(outcome, told) is state


@pytest.mark.parametrize(
    ("body", "written"),
    [(b'{"a":1.50}', b'{"a":1.50}'), (b"plain", b'"plain"'), (b"\xff", '"\ufffd"'.encode())],
)
def test_a_stored_body_is_shown_as_the_json_that_it_is_or_as_text(
    body: bytes, written: bytes
) -> None:
    assert msgspec.json.encode(readable(body)) == written


@pytest.mark.parametrize(
    ("change", "included"),
    [
        ({}, True),
        ({"state": TransactionState.COMPLETED}, True),
        ({"state": TransactionState.RECOVERED}, False),
        ({"lane_ids": frozenset({LANE})}, True),
        ({"lane_ids": frozenset({UUID(int=1)})}, False),
        ({"lane_ids": frozenset()}, False),
        ({"session": ""}, True),
        ({"session": "cms"}, False),
        ({"since": START}, True),
        ({"since": START + timedelta(seconds=1)}, False),
    ],
)
def test_each_filter_includes_and_excludes(change: dict[str, object], included: bool) -> None:
    wanted = replace(Wanted(limit=1), **change)

    assert wanted.includes(of_entry(settled(1, OK))) is included


def test_figures_count_states_and_measure_recoveries_only() -> None:
    tail = a_tail(a_fleet("primary"))
    figures = TransactionFigures(lambda: tail)
    tail.register(an_entry(9))
    for entry in (
        settled(1, OK, seconds=100),
        settled(2, REFUSED, seconds=200, told=True),
        settled(3, OK, seconds=1, told=True),
        settled(4, OK, seconds=2, told=True),
        settled(5, OK, seconds=9, told=True),
    ):
        figures.note(entry)

    assert figures.describe() == {
        "by_state": {"ATTEMPTING": 1, "COMPLETED": 1, "FAILED": 1, "RECOVERED": 3},
        "recovery_seconds": {"median": 2, "worst": 9},
    }


def test_without_recoveries_there_is_no_recovery_time() -> None:
    tail = a_tail(a_fleet("primary"))

    described = TransactionFigures(lambda: tail).describe()

    assert described["recovery_seconds"] == {"median": None, "worst": None}


class StandInReader:
    """In place of PostgreSQL: one stored transaction, and what happens while it is asked."""

    def __init__(self, stored: Transaction | None, meanwhile: list[Entry] | None = None) -> None:
        self.stored = stored
        self.log_tail = a_tail(a_fleet("primary"))
        self.meanwhile = meanwhile or []

    async def transaction(self, _: str) -> Transaction | None:
        for entry in self.meanwhile:
            self.log_tail.register(entry)
        return self.stored

    async def settled_transactions(self, _: Wanted) -> list[Transaction]:
        await self.transaction("")
        return [] if self.stored is None else [self.stored]


async def test_a_write_that_is_logged_while_postgres_is_asked_is_found() -> None:
    entry = an_entry(4)
    reader = StandInReader(None, [entry])
    log = TransactionLog(reader.log_tail, reader)

    assert (await log.find("t4")).state is TransactionState.ATTEMPTING
    with pytest.raises(NotFoundError):
        await log.find("t5")


async def test_a_listing_shows_each_transaction_once_with_what_memory_knows() -> None:
    stored = of_entry(settled(3, OK))
    reader = StandInReader(stored, [settled(3, OK), an_entry(5), settled(4, REFUSED)])
    log = TransactionLog(reader.log_tail, reader)

    found = await log.list(Wanted(limit=10))

    assert [each.position for each in found] == [5, 4, 3]
    assert [each.position for each in await log.list(Wanted(limit=2))] == [5, 4]


async def test_a_write_that_the_log_refused_while_it_was_asked_is_not_listed() -> None:
    refused = an_entry(6)
    refused.settled.set()
    reader = StandInReader(None, [refused])

    assert await TransactionLog(reader.log_tail, reader).list(Wanted(limit=10)) == []
