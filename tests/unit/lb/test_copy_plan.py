import json

import pytest

from lb.comparison import Document
from lb.copy_plan import Catching, Touched, update_body
from lb.errors import CopyAbandonedError
from lb.model import Kind


def document(text: str, **metadata: object) -> Document:
    return Document([1.0], text, dict(metadata) or None, None)


OLD, NEW = document("old"), document("new")


def test_writes_touch_the_ids_that_they_name() -> None:
    touched = Touched()

    deleted = [
        touched.note(Kind.ADD, b'{"ids":["a","b"]}'),
        touched.note(Kind.UPSERT, b'{"ids":["b","c"]}'),
        touched.note(Kind.DELETE, b'{"ids":["c","x"]}'),
        touched.note(Kind.DELETE, b"{}"),
    ]

    assert list(touched.ids) == ["a", "b", "c", "x"]
    assert touched.deleted == {"c", "x"}
    assert deleted == [0, 0, 2, 0]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Kind.MODIFY, b"{}"),
        (Kind.DROP, b""),
        (Kind.DELETE, b'{"where":{"a":1}}'),
        (Kind.ADD, b""),
        (Kind.ADD, b'{"ids":[1]}'),
    ],
)
def test_what_cannot_be_made_up_for_ends_the_copy(kind: Kind, body: bytes) -> None:
    with pytest.raises(CopyAbandonedError):
        Touched().note(kind, body)


def test_equal_documents_stay_as_they_are() -> None:
    changes = Catching(()).plan({"a": OLD}, {"a": OLD})

    assert (changes.remove, changes.update, changes.add) == ([], [], [])


def test_a_changed_document_keeps_its_place() -> None:
    changes = Catching(()).plan({"a": NEW, "b": OLD}, {"a": OLD, "b": OLD})

    assert (changes.remove, changes.update, changes.add) == ([], ["a"], [])


def test_a_document_that_the_source_lacks_goes() -> None:
    changes = Catching({"a"}).plan({}, {"a": OLD})

    assert changes.remove == ["a"]


def test_from_the_first_inserted_document_on_all_are_placed_anew_in_order() -> None:
    catching = Catching({"again"})
    source = {"kept": NEW, "again": OLD, "inserted": OLD, "copied-already": OLD}
    copy = {"again": OLD, "kept": OLD, "copied-already": OLD}

    changes = catching.plan(source, copy)

    assert changes.update == ["kept"]
    assert changes.remove == ["again", "copied-already"]
    assert changes.add == ["again", "inserted", "copied-already"]
    assert catching.plan({"next-part": OLD}, {"next-part": OLD}).add == ["next-part"]


def test_an_update_removes_metadata_keys_that_the_source_lacks() -> None:
    source = {"a": document("new", kept=1), "b": document("bare")}
    copy = {"a": document("old", kept=2, gone=3), "b": document("bare", gone=[1])}

    body = json.loads(update_body(source, copy, ["a", "b"]))

    assert body == {
        "ids": ["a", "b"],
        "embeddings": [[1.0], [1.0]],
        "documents": ["new", "bare"],
        "metadatas": [{"kept": 1, "gone": None}, {"gone": None}],
    }
