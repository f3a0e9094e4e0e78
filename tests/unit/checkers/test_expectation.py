from harness.checkers.expectation import Expectation
from tests.unit.checkers.histories import COLLECTION, DOCUMENT, NEW, OLD, add, delete, upsert

KEY = (COLLECTION, DOCUMENT)


def test_what_was_acknowledged_and_is_there_is_met() -> None:
    assert Expectation([add(OLD, 1, 2)]).unmet({KEY: OLD}, set()) == ()


def test_what_is_missing_or_older_is_unmet() -> None:
    expectation = Expectation([upsert(OLD, 1, 2), upsert(NEW, 3, 4)])
    assert expectation.unmet({}, set()) == (KEY,)
    assert expectation.unmet({KEY: OLD}, set()) == (KEY,)


def test_what_was_deleted_and_is_there_is_unmet() -> None:
    assert Expectation([add(OLD, 1, 2), delete(3, 4)]).unmet({KEY: OLD}, set()) == (KEY,)


def test_what_nobody_wrote_is_unmet() -> None:
    assert Expectation([]).unmet({KEY: OLD}, set()) == (KEY,)


def test_a_file_that_others_may_have_touched_since_is_left_out() -> None:
    assert Expectation([add(OLD, 1, 2)]).unmet({}, {(COLLECTION, "f")}) == ()
