from harness.model.collection import (
    collection_tokens,
    is_collection,
    label_of,
    name_in,
    name_token,
)
from harness.model.document import (
    bare,
    document_id_of,
    id_of,
    is_mark,
    make_mark,
    mark_metadata,
    marks_in,
    token_in,
    tokens_in,
    without_marks,
)

MARK = make_mark("f/0", "client-1", "client-1.7")
METADATA = {"token": "f/0@w", "chunk": 0, **mark_metadata(MARK)}


def test_a_mark_is_a_register_of_its_own_in_a_document() -> None:
    assert document_id_of(id_of(MARK)) == "f/0"
    assert id_of(bare(id_of(MARK))) == id_of(MARK) != "f/0"
    assert is_mark(MARK)
    assert not is_mark("f/0@w")


def test_metadata_are_content_and_marks() -> None:
    assert marks_in(METADATA) == {"client-1": MARK}
    assert without_marks(METADATA) == {"token": "f/0@w", "chunk": 0}
    assert tokens_in(METADATA) == (token_in(METADATA), MARK)
    assert tokens_in(None) == ("",)


def test_a_mark_that_is_no_token_is_neither_mark_nor_overlooked() -> None:
    strange = {"mark.client-1": 7}
    assert marks_in(strange) == {}
    assert without_marks(strange) == strange


def test_a_collection_has_metadata_and_a_name_whatever_it_is_called() -> None:
    about, named = collection_tokens("label.second", {"token": "label@w"})
    assert (about, named) == ("label@w", name_token("label", "label.second"))
    assert name_in(named) == "label.second"
    assert {label_of("label"), label_of("label.second")} == {"label"}
    assert all(is_collection("label", id_of(token)) for token in (about, named))
    assert not is_collection("label", "f/0")


def test_a_collection_without_metadata_is_there_all_the_same() -> None:
    assert collection_tokens("label", None)[0] == bare("label")
