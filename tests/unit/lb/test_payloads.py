from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lb import payloads
from lb.errors import UnintelligibleAnswerError
from lb.model import Answer

LOGICAL = UUID("11111111-2222-3333-4444-555555555555")
# Values whose text changes when they are read as numbers or strings and written again.
DELICATE = (
    b'{"tenth":0.1,"small":1e-7,"long":0.30000000000000004,"huge":123456789012345678901234567890,'
    b'"exponent":1E+2,"minus":-0.0,"text":"\xc3\xbc \\u00fc \\ud83d\\ude00",'
    b'"deep":{"a":[{"b":[1.0]}]},'
    b'"twice":1,"twice":2}'
)
MALFORMED = [
    b"",
    b"{",
    b"nonsense",
    b"null",
    b"[]",
    b'"name"',
    b'{"name":1,"new_name":1,"limit":"1","ids":1}',
    b'{"name":"a","new_name":"b","limit":1} and more',
    b'\xff\xfe{"name":"a"}',
    rb'{"name":"\ud800","new_name":"\ud800","ids":["\ud800"],"limit":1}',
]


@pytest.mark.parametrize("body", [*MALFORMED, b"{}"])
def test_a_malformed_create_is_recognised(body: bytes) -> None:
    assert payloads.decode_create(body) is None


@pytest.mark.parametrize("body", MALFORMED)
def test_a_malformed_modify_is_recognised(body: bytes) -> None:
    assert payloads.decode_modify(body) is None


@pytest.mark.parametrize("body", MALFORMED)
def test_a_malformed_delete_is_passed_on_as_it_is(body: bytes) -> None:
    assert payloads.conditional_delete(body) is None


@pytest.mark.parametrize("read", [payloads.decode_create, payloads.decode_modify])
def test_a_body_nested_too_deeply_is_malformed(read: object) -> None:
    deep = b"[" * 5000 + b"]" * 5000

    assert callable(read)
    assert read(b'{"name":"abc","metadata":' + deep + b"}") is None


def test_a_delete_nested_too_deeply_is_passed_on_as_it_is() -> None:
    """It is read after it was logged: an exception there would come back at every start."""
    deep = b"[" * 5000 + b"]" * 5000

    assert payloads.conditional_delete(b'{"ids":["a"],"unknown":' + deep + b"}") is None


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b'{"name":"a"}', False),
        (b'{"name":"a","get_or_create":null}', False),
        (b'{"name":"a","get_or_create":true,"unknown":[1]}', True),
    ],
)
def test_a_create_says_whether_an_existing_collection_will_do(body: bytes, wanted: bool) -> None:
    create = payloads.decode_create(body)

    assert create is not None
    assert create.name == "a"
    assert bool(create.get_or_create) is wanted


def test_a_modify_may_leave_the_name_alone() -> None:
    for body in (b"{}", b'{"new_name":null}', b'{"new_metadata":{"new_name":"x"}}'):
        modify = payloads.decode_modify(body)
        assert modify is not None
        assert modify.new_name is None


def test_a_create_never_takes_over_what_exists() -> None:
    sent = payloads.plain_create(b'{"get_or_create":true,"name":"a"}')

    assert msgspec.json.decode(sent) == {"get_or_create": False, "name": "a"}


@pytest.mark.parametrize("said", [b"", b',"get_or_create":false', b',"get_or_create":null'])
def test_a_create_that_never_takes_over_is_passed_on_byte_for_byte(said: bytes) -> None:
    body = b'{ "name" : "a", "metadata" : ' + DELICATE + said + b"}"

    assert payloads.plain_create(body) == body


def test_a_create_keeps_every_other_value_byte_for_byte() -> None:
    body = b'{"name":"a","metadata":' + DELICATE + b',"get_or_create":true}'

    assert b'"metadata":' + DELICATE in payloads.plain_create(body)


def test_a_collection_object_keeps_every_other_value_byte_for_byte() -> None:
    body = b'{"id":"' + str(UUID(int=1)).encode() + b'","name":"a","metadata":' + DELICATE + b"}"

    shown = payloads.with_collection_id(body, LOGICAL)

    assert b'"metadata":' + DELICATE in shown
    assert payloads.collection_id(shown) == LOGICAL
    assert payloads.collection_name(shown) == "a"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@settings(max_examples=50)
@given(metadata=st.dictionaries(st.text(), JSON))
def test_only_the_id_of_a_collection_object_changes(metadata: dict[str, object]) -> None:
    body = msgspec.json.encode({"name": "a", "id": UUID(int=1), "metadata": metadata})

    shown = payloads.with_collection_id(body, LOGICAL)

    assert shown == body.replace(str(UUID(int=1)).encode(), str(LOGICAL).encode(), 1)


def test_a_listing_is_taken_apart_and_put_together_byte_for_byte() -> None:
    objects = [
        b'{"id":"%s","name":"n","metadata":%s}' % (str(UUID(int=n)).encode(), DELICATE)
        for n in (2, 1)
    ]
    listing = b"[" + b",".join(objects) + b"]"

    taken = payloads.split_collections(listing)

    assert [uuid for uuid, _ in taken] == [UUID(int=2), UUID(int=1)]
    assert payloads.join_objects([raw for _, raw in taken]) == listing
    assert payloads.join_objects([]) == b"[]"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b"[1]", b'{"id":"not a uuid","name":"a"}', b"\xff"]
)
def test_an_answer_that_is_not_of_chroma_is_an_error_of_its_own(body: bytes) -> None:
    for read in (payloads.collection_id, payloads.collection_name, payloads.split_collections):
        with pytest.raises(UnintelligibleAnswerError):
            read(body)
    with pytest.raises(UnintelligibleAnswerError):
        payloads.listed_ids(Answer(200, body))


@pytest.mark.parametrize(
    "body", [b"{}", b'{"ids":["a"]}', b'{"ids":["a"],"where":null}', b'{"where_document":null}']
)
def test_a_delete_without_conditions_may_be_repeated_as_it_is(body: bytes) -> None:
    assert payloads.conditional_delete(body) is None


@pytest.mark.parametrize("more", [{}, {"limit": 3}, {"ids": ["a"]}])
def test_a_delete_with_conditions_is_turned_into_the_get_that_lists_the_same(
    more: dict[str, object],
) -> None:
    wheres = b'{"where":{"x":{"$gt":1e-7}},"where_document":{"$contains":"\xc3\xbc"}'

    delete = payloads.conditional_delete(wheres + b"," + msgspec.json.encode(more | {"_": 0})[1:])

    assert delete is not None
    assert b'"where":{"x":{"$gt":1e-7}}' in delete.as_get()
    assert msgspec.json.decode(delete.as_get()) == {
        "where": {"x": {"$gt": 1e-7}},
        "where_document": {"$contains": "ü"},
        "include": [],
        **more,
    }


@pytest.mark.parametrize(
    "body", [b'{"limit":2}', b'{"ids":["a","b"],"limit":1}', b'{"where":null,"limit":2}']
)
def test_a_limit_without_a_where_is_left_to_chroma_to_refuse(body: bytes) -> None:
    """Chroma answers 400 and removes nothing; listing and removing by ids would remove."""
    assert payloads.conditional_delete(body) is None


def test_ids_that_were_listed_are_deleted_by_id_even_when_there_are_none() -> None:
    listed = payloads.listed_ids(Answer(200, b'{"ids":["a","\xc3\xbc"],"metadatas":null}'))

    assert msgspec.json.decode(payloads.delete_by_ids(listed)) == {"ids": ["a", "ü"]}
    assert payloads.delete_by_ids([]) == b"{}"


@given(message=st.text())
def test_an_error_is_written_as_chroma_writes_it(message: str) -> None:
    body = payloads.error_body("NotFoundError", message)

    assert msgspec.json.decode(body) == {"error": "NotFoundError", "message": message}
