from uuid import UUID

import msgspec
import pytest

from lb.ghosts import embedded_ids, gets_of, without_ghosts

LANE = UUID(int=7)
COLUMNS = (
    b'"embeddings":["AACAPw==", null, "AAAAQA=="],"documents":["x",null,"z"],'
    b'"metadatas":[{"k":0.1},null,{"k":null}],"uris":null'
)
UPDATE = b'{ "ids" : ["here","absent","here"], ' + COLUMNS + b"}"


def ids_in(body: bytes) -> list[str]:
    return [str(each) for each in msgspec.json.decode(body)["ids"]]


def test_an_update_of_documents_that_all_exist_stays_byte_for_byte() -> None:
    assert without_ghosts(UPDATE, {"here", "absent", "more"}, LANE, 5) is UPDATE


def test_only_the_ids_that_are_absent_are_replaced_and_every_row_stays() -> None:
    harmless = without_ghosts(UPDATE, {"here"}, LANE, 5)

    first, replaced, third = ids_in(harmless)
    assert (first, third) == ("here", "here")
    assert UUID(replaced).version == 5
    before, after = (
        msgspec.json.decode(b, type=dict[str, msgspec.Raw]) for b in (UPDATE, harmless)
    )
    assert {**before, "ids": b""} == {**after, "ids": b""}


def test_no_two_rows_and_no_two_entries_get_the_same_id() -> None:
    """What is merged for another instance may name no id twice."""
    body = b'{"ids":["x","y","x"],"embeddings":[[1],[2],[3]]}'

    replaced = [each for n in (5, 6) for each in ids_in(without_ghosts(body, set(), LANE, n))]

    assert len(set(replaced)) == 6


def test_a_second_run_writes_the_same_even_if_it_starts_from_the_first_ones_result() -> None:
    once = without_ghosts(UPDATE, {"here"}, LANE, 5)

    assert without_ghosts(UPDATE, {"here"}, LANE, 5) == once
    assert without_ghosts(once, {"here"}, LANE, 5) == once


@pytest.mark.parametrize(
    "body",
    [
        b'{"ids":["x"],"documents":["the index is not concerned"]}',
        b'{"ids":["x"],"embeddings":null}',
        b'{"ids":["x",""],"embeddings":[[1],[2]]}',
        b'{"ids":[],"embeddings":[]}',
        b'{"ids":[7],"embeddings":[[1]]}',
        b'{"embeddings":[[1]]}',
        b'["x"]',
        b'{"ids":["x"],',
        b"[" * 5000,
    ],
)
def test_what_sets_no_embedding_or_is_refused_is_not_looked_up_and_not_changed(body: bytes) -> None:
    assert embedded_ids(body) == []
    assert without_ghosts(body, set(), LANE, 5) is body


def test_the_ids_are_looked_up_once_each_and_no_more_of_them_at_a_time_than_chroma_takes() -> None:
    ids = [f"d{n}" for n in range(10_001)]

    asked = [msgspec.json.decode(body) for body in gets_of([*ids, *ids])]

    assert [each for get in asked for each in get["ids"]] == ids
    assert max(len(get["ids"]) for get in asked) == 5000
    assert all(get["include"] == [] for get in asked)
