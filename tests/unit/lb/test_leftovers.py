from uuid import UUID

from lb.leftovers import Leftovers
from lb.model import Kind, Leftover
from tests.unit.lb.stand_ins import OK, a_fleet, a_tail, an_active, an_entry

A, B = "primary", "replica"
STALE = Leftover(A, UUID(int=1), "t", "d")


def test_no_name_is_free_where_something_is_to_be_deleted() -> None:
    leftovers = Leftovers()

    leftovers.add(STALE)

    assert not leftovers.is_free(A, "files")
    assert leftovers.is_free(B, "files")
    leftovers.discard(STALE)
    assert leftovers.is_free(A, "files")


def test_a_copy_holds_its_own_name_only() -> None:
    leftovers = Leftovers()

    leftovers.hold_name(A, "files")

    assert not leftovers.is_free(A, "files")
    assert leftovers.is_free(A, "other")
    leftovers.release_name(A)
    assert leftovers.is_free(A, "files")


def test_only_creates_and_renames_wait_for_a_name() -> None:
    tail = a_tail(a_fleet(A, B))
    collection = an_active(tail, "files", 1)
    tail.leftovers.hold_name(A, "files")
    create, rename, add = (an_entry(n, k) for n, k in enumerate((Kind.CREATE, Kind.MODIFY, "add")))
    rename.new_name = "other"
    for entry in (create, rename, add):
        entry.lane_id = collection.id

    assert [tail.is_name_free(each, A) for each in (create, rename, add)] == [False, True, True]
    assert all(tail.is_name_free(each, B) for each in (create, rename, add))


def test_who_left_is_not_waited_for_by_what_depends_on_it() -> None:
    tail = a_tail(a_fleet(A, B))
    collection = an_active(tail, "files", 1)
    drop = an_entry(2, Kind.DROP)
    drop.lane_id = collection.id
    tail.add(collection, drop)
    create = an_entry(3, Kind.CREATE)
    create.after = tail.catalogue.freed_by(collection.name)
    assert not tail.is_in_turn(create, B)

    tail.leave(collection, B)

    assert tail.is_in_turn(create, B)
    assert not tail.is_in_turn(create, A)


def test_the_last_to_drop_a_collection_may_be_one_that_leaves() -> None:
    tail = a_tail(a_fleet(A, B))
    collection = an_active(tail, "files", 1)
    drop = an_entry(2, Kind.DROP, OK)
    drop.lane_id = collection.id
    tail.add(collection, drop)
    tail.catalogue.map(collection, A, None)
    collection.lane.mark_applied(A, drop)
    assert not tail.advance(collection, A, drop)

    tail.catalogue.map(collection, B, None)

    assert tail.leave(collection, B)
    assert tail.catalogue.get(collection.id) is None
    assert len(tail) == 0
