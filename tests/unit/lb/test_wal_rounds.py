import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from lb.model import (
    Advance,
    Answer,
    CollectionChange,
    CollectionState,
    Dependency,
    Entry,
    Kind,
    Leftover,
    MappingChange,
    Membership,
    Progress,
    Settlement,
)
from lb.wal_rounds import ROUND_BYTES, first_round, write_appends, write_progress
from tests.unit.lb.stand_ins import LANE, OK, an_entry

OTHER = UUID(int=8)


class RecordingConnection:
    """In place of a session of PostgreSQL: records the table and the columns of each statement.

    Of one that changes two tables it records both, unless there is nothing for one of them.
    """

    def __init__(self) -> None:
        self.statements: list[tuple[str, tuple[Any, ...]]] = []
        self.texts: list[str] = []

    async def execute(self, statement: str, *columns: Any) -> str:
        verbs = re.findall(r"(?m)^ *(insert into|update|delete from) (\w+)", statement)
        self.texts.append(statement)
        parts = (columns[:7], columns[7:]) if len(verbs) > 1 else (columns,)
        for (verb, table), part in zip(verbs, parts, strict=True):
            if part[0]:
                self.statements.append((f"{verb} {table}", part))
        return "OK 1"

    async def copy_records_to_table(
        self, table: str, *, columns: Sequence[str], records: Sequence[tuple[Any, ...]]
    ) -> str:
        assert all(len(record) == len(columns) for record in records)
        self.statements.append((f"copy {table}", tuple(zip(*records, strict=True))))
        return "COPY 1"

    @property
    def order(self) -> list[str]:
        return [what for what, _ in self.statements]

    def rows(self, what: str) -> list[tuple[Any, ...]]:
        """Return what one statement writes, as rows."""
        (columns,) = (columns for done, columns in self.statements if done == what)
        return list(zip(*columns, strict=True))


def change(
    state: CollectionState, text: str = "files", collection_id: UUID = LANE
) -> CollectionChange:
    return CollectionChange(collection_id, "t", "d", text, state)


async def progress_of(progress: Sequence[Progress]) -> RecordingConnection:
    connection = RecordingConnection()
    await write_progress(connection, progress)
    return connection


async def test_a_round_without_work_says_nothing() -> None:
    connection = await progress_of([Progress(), Progress()])
    await write_appends(connection, [])

    assert connection.statements == []


async def test_each_statement_is_sent_once_however_much_there_is() -> None:
    connection = await progress_of(
        [
            Progress(
                advance=Advance(LANE, instance, position),
                settlement=Settlement(position, OK, 1),
                mapping=MappingChange(LANE, instance, UUID(int=position)),
                collection=change(CollectionState.ACTIVE),
                resolved=(position, b"{}"),
            )
            for instance in ("primary", "replica")
            for position in (1, 2, 3)
        ]
    )

    assert len(set(connection.texts)) == len(connection.texts) == 4


async def test_a_cursor_is_written_after_what_it_stands_for() -> None:
    connection = await progress_of(
        [
            Progress(
                advance=Advance(LANE, "primary", 1),
                settlement=Settlement(1, OK, 1),
                mapping=MappingChange(LANE, "primary", UUID(int=1)),
                collection=change(CollectionState.ACTIVE),
            )
        ]
    )

    assert connection.order[-1] == "update cursors"


async def test_of_several_moves_of_a_cursor_the_furthest_is_written() -> None:
    connection = await progress_of(
        [
            Progress(advance=Advance(LANE, "primary", 3)),
            Progress(advance=Advance(LANE, "replica", 1)),
            Progress(advance=Advance(LANE, "primary", 2)),
            Progress(advance=Advance(OTHER, "primary", 9)),
        ]
    )

    assert set(connection.rows("update cursors")) == {
        (LANE, "primary", 3),
        (LANE, "replica", 1),
        (OTHER, "primary", 9),
    }


async def test_of_several_states_of_a_collection_the_latest_is_written() -> None:
    connection = await progress_of(
        [
            Progress(collection=change(CollectionState.ACTIVE, "old")),
            Progress(collection=change(CollectionState.ACTIVE, "other", OTHER)),
            Progress(collection=change(CollectionState.DROPPING, "new")),
        ]
    )

    assert set(connection.rows("insert into collections")) == {
        (LANE, "t", "d", "new", "dropping"),
        (OTHER, "t", "d", "other", "active"),
    }


async def test_of_several_uuids_on_an_instance_the_latest_is_written() -> None:
    connection = await progress_of(
        [
            Progress(mapping=MappingChange(LANE, "primary", UUID(int=1))),
            Progress(mapping=MappingChange(LANE, "replica", UUID(int=2))),
            Progress(mapping=MappingChange(LANE, "primary", UUID(int=3))),
        ]
    )

    assert set(connection.rows("insert into mappings")) == {
        (LANE, "primary", UUID(int=3)),
        (LANE, "replica", UUID(int=2)),
    }


async def test_a_uuid_that_came_and_went_in_one_round_is_removed_only() -> None:
    connection = await progress_of(
        [
            Progress(mapping=MappingChange(LANE, "primary", UUID(int=1))),
            Progress(mapping=MappingChange(LANE, "primary", None)),
        ]
    )

    assert connection.order == ["delete from mappings"]
    assert connection.rows("delete from mappings") == [(LANE, "primary")]


async def test_an_outcome_is_written_with_status_body_and_attempts() -> None:
    answer = Answer(201, b"\x00\xff", "text/plain")

    at = datetime(2026, 1, 31, tzinfo=UTC)
    settlement = Settlement(4, answer, 3, told_to_wait=True, settled_at=at)

    connection = await progress_of([Progress(settlement=settlement)])

    assert connection.rows("update wal") == [(4, 201, b"\x00\xff", "text/plain", 3, True, at)]


async def test_the_row_of_a_collection_is_written_before_the_entries_that_need_it() -> None:
    connection = RecordingConnection()

    await write_appends(
        connection,
        [(an_entry(1, Kind.CREATE), change(CollectionState.CREATING)), (an_entry(2), None)],
    )

    assert connection.order == ["insert into collections", "copy wal"]
    assert [row[0] for row in connection.rows("copy wal")] == [1, 2]


async def test_what_an_entry_depends_on_is_written_with_it() -> None:
    connection, entry = RecordingConnection(), an_entry(2, Kind.CREATE)
    entry.after = Dependency(OTHER, 1)

    await write_appends(connection, [(an_entry(1), None), (entry, None)])

    rows = connection.rows("copy wal")
    assert [row[9:11] for row in rows] == [(None, None), (OTHER, 1)]


async def test_the_first_members_get_a_cursor_with_the_collection() -> None:
    connection = RecordingConnection()
    born = replace(change(CollectionState.CREATING), members=("primary", "replica"))
    await write_appends(connection, [(an_entry(1), born)])

    assert connection.order == ["insert into collections", "insert into cursors", "copy wal"]
    assert connection.rows("insert into cursors") == [(LANE, "primary", 0), (LANE, "replica", 0)]


async def test_of_several_changes_of_a_membership_the_last_counts_after_all_moves() -> None:
    connection = await progress_of(
        [
            Progress(membership=Membership(LANE, "primary", None)),
            Progress(membership=Membership(LANE, "replica", 5)),
            Progress(advance=Advance(LANE, "replica", 6)),
            Progress(membership=Membership(LANE, "replica", None)),
            Progress(membership=Membership(LANE, "primary", 9)),
        ]
    )

    assert connection.order == ["update cursors", "insert into cursors", "delete from cursors"]
    assert connection.rows("insert into cursors") == [(LANE, "primary", 9)]
    assert connection.rows("delete from cursors") == [(LANE, "replica")]


async def test_a_leftover_that_became_a_members_collection_is_no_leftover() -> None:
    copy, other = (Leftover("primary", UUID(int=n), "t", "d") for n in (1, 2))
    connection = await progress_of(
        [Progress(leftover=copy), Progress(removed=copy), Progress(leftover=other)]
    )

    assert connection.rows("insert into leftovers") == [("primary", UUID(int=2), "t", "d")]
    assert connection.rows("delete from leftovers") == [("primary", UUID(int=1))]


MB = 1 << 20


def sized(*sizes: int, kind: Kind = Kind.ADD) -> list[Entry]:
    entries = [an_entry(position, kind) for position in range(len(sizes))]
    for entry, size in zip(entries, sizes, strict=True):
        entry.body_bytes = size
    return entries


@pytest.mark.parametrize(
    ("sizes", "count"),
    [
        ((), 0),
        ((1,), 1),
        ((MB,) * 4, 4),
        ((MB,) * 5, 4),
        ((3 * MB, 2 * MB, 1), 1),
        ((40 * MB,), 1),
        ((40 * MB, 1), 1),
        ((40 * MB, 0), 1),
        ((0,) * 1000, 1000),
    ],
)
def test_a_round_appends_what_comes_first_and_not_more_than_a_few_megabytes(
    sizes: tuple[int, ...], count: int
) -> None:
    assert ROUND_BYTES == 4 * MB
    assert first_round(sized(*sizes)) == count


def test_the_end_of_a_database_stays_with_the_drops_inside() -> None:
    entries = [
        *sized(3 * MB),
        *sized(0, 0, kind=Kind.DROP),
        *sized(2 * MB, kind=Kind.DROP_DATABASE),
        *sized(1),
    ]

    assert first_round(entries) == 4


async def test_of_several_marks_of_an_instance_the_latest_is_written() -> None:
    connection = await progress_of(
        [
            Progress(marked=("primary", LANE, 3)),
            Progress(marked=("replica", OTHER, 1)),
            Progress(marked=("primary", OTHER, 2)),
        ]
    )

    assert set(connection.rows("insert into marks")) == {
        ("primary", OTHER, 2),
        ("replica", OTHER, 1),
    }
