"""Collections that come, change and go: for each checker, legal histories and illegal ones."""

import pytest

from harness.checkers import convergence, durability, phantom, resurrection
from harness.checkers.expectation import EVERY_FILE, Expectation
from harness.checkers.linearizability.documents import check_documents
from harness.model.collection import name_token
from harness.model.final_state import FinalState
from harness.model.operation import Completion, Operation
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import COLLECTION, DOCUMENT, NEW, OLD, add, final, history
from tests.unit.checkers.parts import (
    NAMED,
    about,
    create,
    drop,
    get_all,
    listed,
    modify,
    named,
    rename,
)

INFO, FAIL = Completion.INFO, Completion.FAIL
SECOND_NAME = f"{COLLECTION}.second"
RENAMED = name_token(COLLECTION, SECOND_NAME)
GONE = FinalState("primary", {})


@pytest.mark.parametrize(
    ("operations", "state"),
    [
        pytest.param([create(1, 2)], named(final(), COLLECTION, "made"), id="created"),
        pytest.param(
            [create(1, 2), create(3, 4, write="again")],
            named(final(), COLLECTION, "made"),
            id="created where one is",
        ),
        pytest.param(
            [create(1, 2), add(OLD, 3, 4), modify("new", 5, 6)],
            named(final(OLD), COLLECTION, "new"),
            id="modified",
        ),
        pytest.param(
            [create(1, 2), add(OLD, 3, 4), rename(SECOND_NAME, 5, 6)],
            named(final(OLD), SECOND_NAME, "made"),
            id="renamed with what is in it",
        ),
        pytest.param(
            [create(1, 2), add(OLD, 3, 4), rename(SECOND_NAME, 5, 6, INFO)],
            named(final(OLD), COLLECTION, "made"),
            id="a rename in doubt",
        ),
        pytest.param([create(1, 2), add(OLD, 3, 4), drop(5, 6)], GONE, id="dropped"),
        pytest.param(
            [create(1, 2), add(OLD, 3, 4), drop(5, 6), create(7, 8, write="again")],
            named(final(), COLLECTION, "again"),
            id="created again, empty",
        ),
        pytest.param([create(1, 2), add(OLD, 3, 4), drop(5, 6, INFO)], GONE, id="in doubt, done"),
        pytest.param(
            [create(1, 2), add(OLD, 3, 4), drop(5, 6, INFO)],
            named(final(OLD), COLLECTION, "made"),
            id="in doubt, not done",
        ),
    ],
)
def test_what_may_be_left_of_a_collection_passes(
    operations: list[Operation], state: FinalState
) -> None:
    made = history(*operations)
    for checker in (durability, phantom, resurrection):
        assert checker.check(made, [state]).violations == ()


@pytest.mark.parametrize(
    ("operations", "state", "checker"),
    [
        pytest.param([create(1, 2)], GONE, durability, id="created, not there"),
        pytest.param(
            [create(1, 2), modify("new", 3, 4)],
            named(final(), COLLECTION, "made"),
            durability,
            id="not modified",
        ),
        pytest.param(
            [create(1, 2), rename(SECOND_NAME, 3, 4)],
            named(final(), COLLECTION, "made"),
            durability,
            id="not renamed",
        ),
        pytest.param(
            [create(1, 2), add(OLD, 3, 4), rename(SECOND_NAME, 5, 6)],
            named(final(), SECOND_NAME, "made"),
            durability,
            id="renamed without what is in it",
        ),
        pytest.param(
            [create(1, 2), drop(3, 4)],
            named(final(), COLLECTION, "made"),
            resurrection,
            id="dropped, still there",
        ),
        pytest.param(
            [create(1, 2), add(OLD, 3, 4), drop(5, 6), create(7, 8, write="again")],
            named(final(OLD), COLLECTION, "again"),
            resurrection,
            id="created again, not empty",
        ),
        pytest.param(
            [create(1, 2), rename(SECOND_NAME, 3, 4, FAIL)],
            named(final(), SECOND_NAME, "made"),
            phantom,
            id="refused, and renamed",
        ),
        pytest.param(
            [create(1, 2)], named(final(), COLLECTION, "other"), phantom, id="other metadata"
        ),
    ],
)
def test_what_cannot_be_left_of_a_collection_is_named(
    operations: list[Operation], state: FinalState, checker: object
) -> None:
    assert checker.check(history(*operations), [state]).violations  # type: ignore[attr-defined]


def test_a_rename_that_leaves_the_old_collection_behind_is_a_phantom() -> None:
    made = history(create(1, 2), add(OLD, 3, 4), rename(SECOND_NAME, 5, 6))
    renamed = named(final(OLD), SECOND_NAME, "made")
    both = {**renamed.collections, **named(final(OLD), COLLECTION, "made").collections}
    assert phantom.check(made, [renamed]).outcome is Outcome.PASS
    assert phantom.check(made, [FinalState("primary", both)]).outcome is Outcome.FAIL


def test_metadata_of_another_collection_are_a_phantom() -> None:
    collection = named(final(), COLLECTION, "made").collections[COLLECTION]
    swapped = FinalState("primary", {"AUTOTEST_other": collection})
    message = phantom.check(history(create(1, 2)), [swapped]).violations[0].evidence[0]
    assert message == f"held: the metadata of another collection: {about('made')}"


def test_instances_that_differ_in_a_collections_metadata_have_not_converged() -> None:
    finals = [
        named(final(instance=name), COLLECTION, write)
        for name, write in (("primary", "made"), ("replica", "new"))
    ]
    made = history(create(1, 2), modify("new", 3, 4, INFO))
    assert convergence.check(made, [finals[0], finals[0]]).violations == ()
    assert convergence.check(made, finals).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("operations", "outcome"),
    [
        pytest.param([listed([about("made"), NAMED], 3, 4)], Outcome.PASS, id="listed"),
        pytest.param([listed([], 3, 4)], Outcome.FAIL, id="not listed"),
        pytest.param(
            [rename(SECOND_NAME, 3, 4), listed([about("made"), RENAMED], 5, 6)],
            Outcome.PASS,
            id="listed by its new name",
        ),
        pytest.param(
            [rename(SECOND_NAME, 3, 4), listed([about("made"), NAMED], 5, 6)],
            Outcome.FAIL,
            id="listed by its old name",
        ),
        pytest.param([drop(3, 4), listed([], 5, 6)], Outcome.PASS, id="dropped, not listed"),
        pytest.param(
            [drop(3, 4), listed([about("made"), NAMED], 5, 6)], Outcome.FAIL, id="dropped, listed"
        ),
        pytest.param(
            [add(OLD, 3, 4), drop(5, 6), create(7, 8), get_all([], 9, 10)],
            Outcome.PASS,
            id="created again, read empty",
        ),
        pytest.param(
            [add(OLD, 3, 4), drop(5, 6), create(7, 8), get_all([OLD], 9, 10)],
            Outcome.FAIL,
            id="created again, read with what was in the last one",
        ),
        pytest.param(
            [add(OLD, 3, 4), rename(SECOND_NAME, 5, 6), get_all([OLD], 7, 8)],
            Outcome.PASS,
            id="renamed, read whole",
        ),
        pytest.param(
            [add(OLD, 3, 4), rename(SECOND_NAME, 5, 6), get_all([], 7, 8)],
            Outcome.FAIL,
            id="renamed, read empty",
        ),
    ],
)
def test_what_clients_read_of_collections_has_one_order(
    operations: list[Operation], outcome: Outcome
) -> None:
    assert check_documents(history(create(1, 2), *operations), []).outcome is outcome


def test_a_collection_that_others_may_have_dropped_since_is_left_out() -> None:
    expectation = Expectation([create(1, 2), add(OLD, 3, 4)])
    key, collection = (COLLECTION, DOCUMENT), (COLLECTION, COLLECTION)
    name = (COLLECTION, f"{COLLECTION}#name")
    held = {key: OLD, collection: about("made"), name: NAMED}
    assert expectation.unmet(held, set()) == ()
    assert expectation.unmet({**held, key: NEW}, set()) == (key,)
    assert set(expectation.unmet({}, set())) == {key, collection, name}
    assert expectation.unmet({}, {(COLLECTION, EVERY_FILE)}) == ()
