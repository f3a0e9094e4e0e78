from uuid import UUID, uuid4

import pytest

from lb.catalogue import TRANSITIONS, Catalogue, Collection
from lb.errors import ConflictError
from lb.lanes import Lane
from lb.model import (
    Answer,
    CollectionChange,
    CollectionState,
    Dependency,
    Entry,
    Kind,
    MappingChange,
)
from tests.unit.lb.stand_ins import DATABASE, OK, REFUSED, TENANT, an_entry, name

A, B = "primary", "replica"


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue((A, B))


def created(catalogue: Catalogue, text: str, position: int = 1) -> Collection:
    collection = catalogue.reserve(name(text))
    entry = an_entry(position, Kind.CREATE, OK)
    collection.changing = entry
    catalogue.settle_create(collection, entry)
    return collection


def found(catalogue: Catalogue, reference: object) -> Collection | None:
    return catalogue.find(TENANT, DATABASE, str(reference))


def rename(
    catalogue: Catalogue, collection: Collection, text: str, outcome: Answer | None
) -> Entry:
    """Reserve a new name and settle the rename."""
    entry = an_entry(9, Kind.MODIFY)
    catalogue.reserve_rename(collection, name(text), entry)
    entry.outcome = outcome
    catalogue.settle_rename(collection, name(text), entry)
    return entry


def test_a_collection_is_found_by_name_logical_id_and_every_uuid(catalogue: Catalogue) -> None:
    collection = created(catalogue, "files")
    catalogue.map(collection, A, UUID(int=1))
    catalogue.map(collection, B, UUID(int=2))

    for reference in ("files", collection.id, UUID(int=1), UUID(int=2), str(collection.id).upper()):
        assert found(catalogue, reference) is collection
    assert found(catalogue, "other") is None
    assert found(catalogue, uuid4()) is None


def test_a_name_is_unique_in_its_database_only(catalogue: Catalogue) -> None:
    created(catalogue, "files")

    assert catalogue.find("other", DATABASE, "files") is None
    assert catalogue.find(TENANT, "other", "files") is None


@pytest.mark.parametrize(
    "text", ["3a6ebdc6-96ac-439a-9ea7-571d60901455", "d0479f2a14e34518912c91e2f2b2f015"]
)
def test_a_collection_whose_name_looks_like_a_uuid_is_found_by_its_name(
    catalogue: Catalogue, text: str
) -> None:
    """Chroma takes both as names, and a hash or a UUID is what programs like to use as one."""
    collection = created(catalogue, text)

    assert found(catalogue, text) is collection


def test_a_collection_without_an_outcome_holds_its_name_but_is_not_visible(
    catalogue: Catalogue,
) -> None:
    collection = catalogue.reserve(name("files"))

    assert catalogue.by_name(name("files")) is collection
    assert catalogue.active_in(TENANT, DATABASE) == []


def test_a_taken_name_cannot_be_reserved(catalogue: Catalogue) -> None:
    catalogue.reserve(name("files"))

    with pytest.raises(AssertionError):
        catalogue.reserve(name("files"))


@pytest.mark.parametrize("outcome", [None, REFUSED])
def test_a_create_that_was_refused_frees_the_name(
    catalogue: Catalogue, outcome: Answer | None
) -> None:
    collection = catalogue.reserve(name("files"))
    entry = an_entry(1, Kind.CREATE, outcome)
    collection.changing = entry

    catalogue.settle_create(collection, entry)

    assert collection.state is CollectionState.FAILED
    assert collection.changing is None
    assert found(catalogue, "files") is None
    assert found(catalogue, collection.id) is None
    assert len(catalogue) == 0


def test_a_settled_create_makes_the_collection_visible_once(catalogue: Catalogue) -> None:
    collection = created(catalogue, "files")

    catalogue.settle_create(collection, an_entry(1, Kind.CREATE, OK))

    assert catalogue.active_in(TENANT, DATABASE) == [collection]


def test_both_names_are_held_while_a_rename_has_no_outcome(catalogue: Catalogue) -> None:
    collection = created(catalogue, "old")
    entry = an_entry(9, Kind.MODIFY)

    catalogue.reserve_rename(collection, name("new"), entry)

    assert found(catalogue, "old") is collection
    assert found(catalogue, "new") is collection
    assert collection.name == name("old")
    assert collection.changing is entry


def test_a_rename_that_took_effect_frees_the_old_name_in_order(catalogue: Catalogue) -> None:
    collection = created(catalogue, "old")

    entry = rename(catalogue, collection, "new", OK)

    assert collection.name == name("new")
    assert found(catalogue, "old") is None
    assert catalogue.freed_by(name("old")) == Dependency(collection.id, entry.position)
    assert collection.changing is None


@pytest.mark.parametrize("outcome", [None, REFUSED])
def test_a_rename_that_was_refused_frees_the_new_name(
    catalogue: Catalogue, outcome: Answer | None
) -> None:
    collection = created(catalogue, "old")

    rename(catalogue, collection, "new", outcome)

    assert collection.name == name("old")
    assert found(catalogue, "old") is collection
    assert found(catalogue, "new") is None
    assert catalogue.freed_by(name("old")) is None
    assert collection.changing is None


def test_a_rename_onto_the_name_of_another_is_a_conflict(catalogue: Catalogue) -> None:
    collection, other = created(catalogue, "old"), created(catalogue, "taken")

    with pytest.raises(ConflictError, match=r"\[taken\] already exists"):
        catalogue.reserve_rename(collection, name("taken"), an_entry(9, Kind.MODIFY))

    assert found(catalogue, "taken") is other
    assert collection.changing is None


@pytest.mark.parametrize("outcome", [None, REFUSED, OK])
def test_a_rename_to_the_same_name_keeps_it(catalogue: Catalogue, outcome: Answer | None) -> None:
    collection = created(catalogue, "same")

    rename(catalogue, collection, "same", outcome)

    assert found(catalogue, "same") is collection
    assert catalogue.freed_by(name("same")) is None


def test_a_dropped_name_is_free_at_once_and_says_what_freed_it(catalogue: Catalogue) -> None:
    old = created(catalogue, "files")

    catalogue.drop(old, an_entry(5, Kind.DROP))
    new = catalogue.reserve(name("files"))

    assert old.state is CollectionState.DROPPING
    assert found(catalogue, "files") is new
    assert found(catalogue, old.id) is old
    assert catalogue.freed_by(name("files")) == Dependency(old.id, 5)


def test_of_several_drops_of_a_name_the_last_must_come_first(catalogue: Catalogue) -> None:
    for position in (5, 6):
        collection = created(catalogue, "files")
        catalogue.drop(collection, an_entry(position, Kind.DROP))

    assert catalogue.freed_by(name("files")) == Dependency(collection.id, 6)


def test_a_second_drop_leaves_the_name_to_its_new_owner(catalogue: Catalogue) -> None:
    old = created(catalogue, "files")
    catalogue.drop(old, an_entry(5, Kind.DROP))
    new = created(catalogue, "files")
    catalogue.drop(old, an_entry(7, Kind.DROP))

    assert found(catalogue, "files") is new
    assert old.state is CollectionState.DROPPING
    assert catalogue.freed_by(name("files")) == Dependency(old.id, 5)


def test_a_mapping_is_replaced_and_removed(catalogue: Catalogue) -> None:
    collection = created(catalogue, "files")

    assert catalogue.map(collection, A, UUID(int=1)) == MappingChange(collection.id, A, UUID(int=1))
    catalogue.map(collection, A, UUID(int=2))
    assert catalogue.by_instance_uuid(UUID(int=1)) is None
    assert catalogue.by_instance_uuid(UUID(int=2)) is collection

    assert catalogue.map(collection, A, None) == MappingChange(collection.id, A, None)
    assert catalogue.by_instance_uuid(UUID(int=2)) is None
    assert collection.uuids == {}


def test_a_forgotten_collection_leaves_nothing_behind(catalogue: Catalogue) -> None:
    collection = created(catalogue, "old")
    catalogue.map(collection, A, UUID(int=1))
    rename(catalogue, collection, "files", OK)
    catalogue.drop(collection, an_entry(5, Kind.DROP))

    catalogue.forget(collection)

    for reference in ("old", "files", collection.id, UUID(int=1)):
        assert found(catalogue, reference) is None
    assert catalogue.get(collection.id) is None
    assert catalogue.freed_by(name("old")) is None
    assert catalogue.freed_by(name("files")) is None


def test_forgetting_a_collection_leaves_the_one_that_has_its_name_now(
    catalogue: Catalogue,
) -> None:
    old = created(catalogue, "files")
    catalogue.drop(old, an_entry(5, Kind.DROP))
    new = created(catalogue, "files")

    catalogue.forget(old)

    assert found(catalogue, "files") is new


@pytest.mark.parametrize("state", CollectionState)
def test_only_living_collections_hold_their_name_after_a_start(
    catalogue: Catalogue, state: CollectionState
) -> None:
    change = CollectionChange(uuid4(), TENANT, DATABASE, "files", state)

    collection = catalogue.load(change, Lane(change.collection_id, (A, B)))

    holds = state in (CollectionState.CREATING, CollectionState.ACTIVE)
    assert (found(catalogue, "files") is collection) is holds
    assert catalogue.get(change.collection_id) is collection
    assert collection.as_change() == change


@pytest.mark.parametrize("outcome", [None, OK])
def test_after_a_start_a_drop_still_frees_its_name_in_order(
    catalogue: Catalogue, outcome: Answer | None
) -> None:
    collection = created(catalogue, "files")
    collection.move_to(CollectionState.DROPPING)

    catalogue.restore(collection, an_entry(5, Kind.DROP, outcome), None)

    assert catalogue.freed_by(name("files")) == Dependency(collection.id, 5)


def test_after_a_start_a_rename_still_frees_its_old_name_in_order(catalogue: Catalogue) -> None:
    collection = created(catalogue, "new")

    catalogue.restore(collection, an_entry(5, Kind.MODIFY, OK), name("old"))

    assert catalogue.freed_by(name("old")) == Dependency(collection.id, 5)


def test_after_a_start_who_needs_the_name_waits_for_a_create_without_an_outcome(
    catalogue: Catalogue,
) -> None:
    entry = an_entry(1, Kind.CREATE)
    collection = catalogue.reserve(name("files"))

    catalogue.restore(collection, entry, None)

    assert collection.changing is entry


@pytest.mark.parametrize("before", CollectionState)
@pytest.mark.parametrize("after", CollectionState)
def test_a_collection_changes_only_as_the_table_allows(
    catalogue: Catalogue, before: CollectionState, after: CollectionState
) -> None:
    collection = catalogue.reserve(name("files"))
    collection.state = before

    if after is before or after in TRANSITIONS[before]:
        collection.move_to(after)
        assert collection.state is after
    else:
        with pytest.raises(AssertionError, match="cannot become"):
            collection.move_to(after)
        assert collection.state is before


def test_the_table_has_a_row_for_every_state_and_the_last_two_are_final() -> None:
    assert set(TRANSITIONS) == set(CollectionState)
    finals = {state for state, following in TRANSITIONS.items() if not following}
    assert finals == {CollectionState.FAILED, CollectionState.DROPPED}
