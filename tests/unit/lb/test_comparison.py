"""What differs between two instances, by id, and what is sent to make them equal."""

import json
from typing import Any

import pytest

from lb.comparison import (
    Document,
    Page,
    Repair,
    add_body,
    difference,
    documents_of,
    is_same,
    repair_of,
)
from lb.errors import UnintelligibleAnswerError

A = Document([1.0, 2.0], "a", {"k": 1, "l": "x"}, None)
B = Document([3.0, 4.0], None, None, None)


def test_equal_documents_do_not_differ_whatever_their_order() -> None:
    same = Document([1.0, 2.0], "a", {"l": "x", "k": 1}, None)
    assert not difference({"a": A, "b": B}, {"b": B, "a": same})


def test_each_kind_of_difference_is_named() -> None:
    changed = Document([1.0, 2.5], "a", {"k": 1, "l": "x"}, None)
    found = difference({"a": A, "b": B}, {"a": changed, "c": B})
    assert (found.missing, found.changed, found.extra) == ({"b"}, {"a"}, {"c"})


def test_a_repair_changes_in_place_and_adds_in_the_order_of_the_right_one() -> None:
    changed = Document([1.0, 2.5], "a", {"k": 1, "m": "x"}, None)
    right, other = {"d": B, "a": A, "b": B}, {"a": changed, "c": B}

    repair = repair_of(difference(right, other), right, other)

    assert repair == Repair(update=["a"], remove=["c"], add=["d", "b"])


@pytest.mark.parametrize(
    ("held", "is_in_place"),
    [
        (Document([3.0, 4.5], None, None, None), True),
        (Document([3.0, 4.0], None, {"gone": 1}, None), True),
        (Document([3.0, 4.0], "a text that B has not", None, None), False),
        (Document([3.0, 4.0], None, None, "a URI that B has not"), False),
    ],
)
def test_what_an_update_cannot_take_away_is_removed_and_added_anew(
    held: Document, is_in_place: bool
) -> None:
    repair = repair_of(difference({"b": B}, {"b": held}), {"b": B}, {"b": held})

    assert repair.update == (["b"] if is_in_place else [])
    assert repair.remove == repair.add == ([] if is_in_place else ["b"])


def test_a_page_without_a_column_has_documents_without_that_part() -> None:
    page = Page(ids=["a"], embeddings=[[1.0]], documents=None, metadatas=[None])
    assert documents_of(page) == {"a": Document([1.0], None, None, None)}


def test_the_body_of_a_repair_carries_whole_documents_and_no_empty_column() -> None:
    assert json.loads(add_body({"a": A, "b": B}, ["a", "b"])) == {
        "ids": ["a", "b"],
        "embeddings": [[1.0, 2.0], [3.0, 4.0]],
        "documents": ["a", None],
        "metadatas": [{"k": 1, "l": "x"}, None],
    }


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ([5.0, 0.0], [4.9999995, 0.0], True),
        ([5.0, 0.0], [4.9999, 0.0], False),
        ([5.0, 0.0], [5.0, 1e-9], False),
        ([5.0], [5.0, 0.0], False),
        (None, [5.0], False),
        (None, None, True),
    ],
)
def test_embeddings_are_equal_as_far_as_a_normalised_float_can_tell(
    left: list[float] | None, right: list[float] | None, same: bool
) -> None:
    one, other = (Document(each, "text", None, None) for each in (left, right))

    assert is_same(one, other) is same
    assert not is_same(one, Document(left, "other text", None, None))


@pytest.mark.parametrize(
    ("left", "right"),
    [({"k": 1}, {"k": True}), ({"k": 1}, {"k": 1.0}), ({"k": [0]}, {"k": [False]})],
)
def test_values_of_different_types_are_different(
    left: dict[str, Any], right: dict[str, Any]
) -> None:
    one, other = (Document([1.0], "text", each, None) for each in (left, right))

    assert not is_same(one, other)
    assert is_same(one, Document([1.0], "text", dict(left), None))


def test_a_page_whose_columns_differ_in_length_is_no_page() -> None:
    with pytest.raises(UnintelligibleAnswerError):
        documents_of(Page(ids=["a", "b"], embeddings=[[1.0]]))
