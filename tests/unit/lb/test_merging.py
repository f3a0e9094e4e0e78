"""What travels together must leave an instance as if each had travelled alone, in order."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lb.merging import Window, WindowLimits, pack
from lb.merging import merge as merge_limited
from lb.model import Answer, Kind
from tests.unit.lb.stand_ins import OK, an_entry

MOST_DOCUMENTS = WindowLimits().documents


def body(**columns: Any) -> bytes:
    return msgspec.json.encode(columns)


def merge(bodies: list[bytes]) -> tuple[bytes, int]:
    """Merge, and say how many went into it."""
    merged, sizes = merge_limited(bodies, MOST_DOCUMENTS)
    return merged, len(sizes)


def test_neighbours_with_different_ids_travel_as_one_in_order() -> None:
    merged, count = merge(
        [
            body(ids=["a"], embeddings=[[1, 2]], documents=["x"]),
            body(ids=["b", "c"], embeddings=[[3, 4], [5, 6]], documents=["y", None]),
        ]
    )
    assert count == 2
    assert json.loads(merged) == {
        "ids": ["a", "b", "c"],
        "embeddings": [[1, 2], [3, 4], [5, 6]],
        "documents": ["x", "y", None],
    }


def test_a_repeated_id_ends_the_window() -> None:
    bodies = [body(ids=["a"]), body(ids=["b"]), body(ids=["c", "a"]), body(ids=["d"])]
    assert merge(bodies) == (b'{"ids":["a","b"]}', 2)


def test_an_id_is_recognised_however_it_is_escaped() -> None:
    assert merge([b'{"ids":["a"]}', b'{"ids":["\\u0061"]}'])[1] == 1


def test_a_body_alone_is_passed_on_byte_for_byte() -> None:
    strange = b'{ "ids" : ["a"],  "embeddings": [[0.1, 1E-7]] }'
    assert merge([strange]) == (strange, 1)
    assert merge([strange, body(ids=["a"], embeddings=[[1, 2]])]) == (strange, 1)


def test_numbers_keep_their_digits() -> None:
    merged, _ = merge(
        [
            b'{"ids":["a"],"embeddings":[[0.30000000000000004,1e-45]]}',
            b'{"ids":["b"],"embeddings":[[123456789012345678,-0.0]]}',
        ]
    )
    assert b"[0.30000000000000004,1e-45],[123456789012345678,-0.0]" in merged


def test_different_columns_do_not_mix() -> None:
    assert merge([body(ids=["a"], documents=["x"]), body(ids=["b"], uris=["y"])])[1] == 1
    assert merge([body(ids=["a"], documents=["x"]), body(ids=["b"], documents=None)])[1] == 1


def test_a_null_column_counts_as_absent() -> None:
    assert merge([body(ids=["a"], uris=None), body(ids=["b"])])[1] == 2


def test_arrays_and_base64_text_do_not_mix() -> None:
    arrays, text = body(ids=["a"], embeddings=[[1]]), body(ids=["b"], embeddings=["AACAPw=="])
    assert merge([arrays, text])[1] == 1
    assert merge([text, body(ids=["c"], embeddings=["AACAPw=="])])[1] == 2


def test_what_is_not_a_plain_list_of_documents_travels_alone() -> None:
    plain = body(ids=["z"])
    for odd in (
        b"not json",
        b"[]",
        body(where={"a": 1}),
        body(ids=["a"], where={"a": 1}),
        body(ids=["a"], limit=1),
        body(ids=["a", "a"]),
        body(ids=[]),
        body(ids=["a"], documents=["x", "y"]),
        body(ids=[1]),
        b"{}",
    ):
        assert merge([odd, plain]) == (odd, 1)
        assert merge([plain, odd]) == (plain, 1)


def test_a_column_that_is_given_twice_is_left_to_chroma_to_refuse() -> None:
    plain = body(ids=["z"], documents=["x"])
    for twice in (
        b'{"ids":["a"],"documents":["x"],"documents":["y"]}',
        b'{"ids":["a"],"documents":["x"],"document\\u0073":["y"]}',
        b'{"ids":["a"],"documents":null,"documents":["y"]}',
    ):
        assert merge([twice, plain]) == (twice, 1)
        assert merge([plain, twice]) == (plain, 1)


def a_window(kind: Kind, *bodies: bytes) -> Window:
    return pack([an_entry(n, kind) for n in range(len(bodies))], bodies, MOST_DOCUMENTS)


def test_each_entry_of_a_merged_delete_is_answered_its_own_count() -> None:
    window = a_window(Kind.DELETE, body(ids=["a"]), body(ids=["b", "c"]))

    assert window.answers(Answer(200, b'{"deleted":3}')) == [
        Answer(200, b'{"deleted":1}'),
        Answer(200, b'{"deleted":2}'),
    ]


def test_an_entry_that_travels_alone_is_answered_what_the_instance_answered() -> None:
    window = a_window(Kind.DELETE, body(where={"a": 1}), body(ids=["b", "c"]))

    assert len(window) == 1
    assert window.body == window.bodies[0]
    assert window.answers(Answer(200, b'{"deleted":7}')) == [Answer(200, b'{"deleted":7}')]


def test_entries_of_other_kinds_share_the_answer() -> None:
    window = a_window(Kind.UPSERT, body(ids=["a"]), body(ids=["b"]), body(ids=["a"]))

    assert (window.first.position, window.last.position) == (0, 1)
    assert window.answers(OK) == [OK, OK]


def test_a_window_is_bounded() -> None:
    bodies = [body(ids=[f"{n}-{i}" for i in range(100)]) for n in range(10)]
    merged, count = merge(bodies)
    assert count == MOST_DOCUMENTS // 100
    assert len(json.loads(merged)["ids"]) == MOST_DOCUMENTS


documents = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 99)), min_size=1, max_size=3
)


def upserted(bodies: list[bytes]) -> dict[str, int]:
    state: dict[str, int] = {}
    for each in bodies:
        columns = json.loads(each)
        state.update(zip(columns["ids"], columns["documents"], strict=True))
    return state


@given(st.lists(documents, min_size=1, max_size=6))
def test_merged_windows_leave_the_same_documents_as_single_requests(
    writes: list[list[tuple[str, int]]],
) -> None:
    bodies = [body(ids=[i for i, _ in write], documents=[d for _, d in write]) for write in writes]
    sent, rest = [], bodies
    while rest:
        merged, count = merge(rest)
        assert count >= 1
        sent.append(merged)
        rest = rest[count:]
    assert upserted(sent) == upserted(bodies)


values = st.one_of(st.none(), st.just([]), st.just([None]), st.just(["x, y"]), st.just([[1, 2]]))
columns_twice_or_not = st.lists(
    st.tuples(st.sampled_from(["documents", "uris", "metadatas", "\\u0075ris"]), values), max_size=4
)


@given(columns_twice_or_not, st.sampled_from([(",", ":"), (", ", ": ")]))
def test_a_body_is_merged_only_if_nothing_in_it_is_there_twice(
    columns: list[tuple[str, Any]], separators: tuple[str, str]
) -> None:
    comma, colon = separators
    written = [f'"{name}"{colon}{json.dumps(value)}' for name, value in [("ids", ["a"]), *columns]]
    strange = ("{" + comma.join(written) + "}").encode()
    names = [name for name, _ in columns]
    plain = body(ids=["b"], **{name: v for name, v in columns if v and "\\" not in name})

    _, count = merge([strange, plain])

    assert count == 1 or (len(set(names)) == len(names) and "\\u0075ris" not in names)
