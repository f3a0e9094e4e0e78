from collections.abc import Hashable

import pytest

from harness.checkers.linearizability import UNKNOWN, Unknown
from harness.checkers.models import (
    Access,
    Append,
    CasRegister,
    ChromaDocument,
    CompareAndSet,
    Get,
    KeyValueStore,
    Put,
    Read,
    RegisterInput,
    Request,
    StoreInput,
    Write,
)

DOCUMENT = ("files", "f/0")


@pytest.mark.parametrize(
    ("request_", "state", "after"),
    [
        (Request.UPSERT, "", "new"),
        (Request.UPSERT, "old", "new"),
        (Request.UPDATE, "", ""),
        (Request.UPDATE, "old", "new"),
        (Request.ADD, "", "new"),
        (Request.ADD, "old", "old"),
        (Request.DELETE, "", ""),
        (Request.DELETE, "old", ""),
    ],
)
def test_every_write_of_a_document_is_legal_and_leaves_what_chroma_leaves(
    request_: Request, state: str, after: str
) -> None:
    access = Access(request_, DOCUMENT, "new")
    assert ChromaDocument().step(state, access, "") == (True, after)
    assert ChromaDocument().step(state, access, UNKNOWN) == (True, after)


@pytest.mark.parametrize(
    ("state", "output", "legal"),
    [("", "", True), ("old", "old", True), ("old", "", False), ("", "old", False)],
)
def test_a_get_must_say_what_is_there(state: str, output: str, legal: bool) -> None:
    access = Access(Request.GET, DOCUMENT)
    assert ChromaDocument().step(state, access, output) == (legal, state)


@pytest.mark.parametrize(
    ("input_", "output", "step"),
    [
        (Read(), 1, (True, 1)),
        (Read(), 2, (False, 1)),
        (Read(), UNKNOWN, (True, 1)),
        (Write(2), None, (True, 2)),
        (CompareAndSet(1, 2), True, (True, 2)),
        (CompareAndSet(1, 2), False, (False, 2)),
        (CompareAndSet(3, 2), False, (True, 1)),
        (CompareAndSet(3, 2), True, (False, 1)),
        (CompareAndSet(1, 2), UNKNOWN, (True, 2)),
        (CompareAndSet(3, 2), UNKNOWN, (True, 1)),
    ],
)
def test_a_register_of_1(
    input_: RegisterInput, output: Hashable | Unknown, step: tuple[bool, Hashable]
) -> None:
    assert CasRegister(1).initial() == 1
    assert CasRegister(1).step(1, input_, output) == step


@pytest.mark.parametrize(
    ("input_", "output", "step"),
    [
        (Get("k"), "a", (True, "a")),
        (Get("k"), "", (False, "a")),
        (Put("k", "b"), "", (True, "b")),
        (Put("k", ""), "", (True, "")),
        (Append("k", "b"), "", (True, "ab")),
    ],
)
def test_a_store_with_a_under_the_key(
    input_: StoreInput, output: str, step: tuple[bool, str]
) -> None:
    assert KeyValueStore().step("a", input_, output) == step


def test_documents_and_keys_are_judged_alone() -> None:
    assert ChromaDocument().partition(Access(Request.GET, DOCUMENT)) == DOCUMENT
    assert KeyValueStore().partition(Put("k", "a")) == "k"
