import msgspec
import pytest

from lb.model import Kind
from lb.poison import MOST_KEYS, find_panic, find_poison


def body(**fields: object) -> bytes:
    return msgspec.json.encode(fields)


def with_keys(count: int) -> bytes:
    return body(ids=["a"], metadatas=[{f"k{number}": 1 for number in range(count)}])


INDEX_OF_KEY = {"keys": {"#embedding": {"config": {"hnsw": {"max_neighbors": 0}}}}}


@pytest.mark.parametrize(
    ("kind", "request_body", "named"),
    [
        (Kind.ADD, body(ids=["a"], metadatas=[None, {"chroma:document": 5}]), "chroma:document"),
        (Kind.UPSERT, b'{"ids":["a"],"metadatas":[{"\\u0063hroma:document":5}]}', "chroma:doc"),
        (Kind.ADD, with_keys(MOST_KEYS + 1), "metadata keys"),
        (Kind.CREATE, body(name="c", configuration={"hnsw": {"max_neighbors": 0}}), "neighbour"),
        (Kind.CREATE, body(name="c", metadata={"hnsw:M": 0}), "neighbour"),
        (Kind.CREATE, b'{"name":"c","metadata":{"hnsw:\\u004d":0}}', "neighbour"),
        (Kind.CREATE, body(name="c", schema=INDEX_OF_KEY), "neighbour"),
    ],
)
def test_what_is_known_to_break_a_server_is_named(
    kind: Kind, request_body: bytes, named: str
) -> None:
    found = find_poison(kind, request_body)

    assert found is not None
    assert named in found


@pytest.mark.parametrize(
    ("kind", "request_body"),
    [
        (Kind.ADD, body(ids=["chroma:a"], documents=["chroma:document"])),
        (Kind.ADD, with_keys(MOST_KEYS)),
        (Kind.ADD, body(ids=["a"] * 2000, metadatas=[{"a": 1, "b": 2, "c": 3}] * 2000)),
        (Kind.ADD, body(ids=["a"], metadatas=[{"hnsw:M": 0}])),
        (Kind.CREATE, body(name="c", configuration={"hnsw": {"max_neighbors": 1}})),
        (Kind.CREATE, body(name="c", metadata={"hnsw:M": False})),
        (Kind.CREATE, b'{"name":"max_neighbors"'),
        (Kind.DROP, b""),
    ],
)
def test_other_requests_are_let_through(kind: Kind, request_body: bytes) -> None:
    assert find_poison(kind, request_body) is None


@pytest.mark.parametrize("field", ["metadata", "new_metadata"])
@pytest.mark.parametrize("value", [[], [1], ["x"], {"#type": "sparse_vector"}])
def test_lists_and_objects_in_collection_metadata_are_found(field: str, value: object) -> None:
    found = find_panic(body(name="files", **{field: {"a": 1, "k": value}}))

    assert found is not None
    assert "[k]" in found


@pytest.mark.parametrize(
    "request_body",
    [
        body(name="files", metadata={"a": "[]", "b": 1, "c": None, "d": True}),
        body(name="files", metadata=None),
        body(metadata=7),
        b"nonsense",
        b"",
    ],
)
def test_other_collection_metadata_is_left_to_chroma(request_body: bytes) -> None:
    assert find_panic(request_body) is None
