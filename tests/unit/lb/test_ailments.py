import pytest

from lb.ailments import ENOUGH_FAILURES, ENOUGH_SECONDS, FORGET_SECONDS, Ailments
from tests.unit.lb.stand_ins import a_fleet, a_tail, an_active

ERROR = "HTTP 500: Error in compaction"


class Bench:
    """Ailments by a clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0
        self.ailments = Ailments(lambda: self.now)
        self.collection = an_active(a_tail(a_fleet("primary", "replica")), "files", 1)

    def fail(self, times: int, every_seconds: float, error: str = ERROR) -> None:
        for number in range(times):
            self.now += every_seconds if number else 0.0
            self.ailments.note(self.collection, "primary", error)

    @property
    def chronic(self) -> bool:
        return bool(self.ailments.chronic_on("primary"))


def test_what_fails_often_and_for_long_is_chronic_on_that_instance_only() -> None:
    bench = Bench()
    bench.fail(ENOUGH_FAILURES, ENOUGH_SECONDS / (ENOUGH_FAILURES - 1))
    assert bench.ailments.chronic_on("primary") == [(bench.collection, ERROR)]
    assert bench.ailments.chronic_on("replica") == []


@pytest.mark.parametrize(
    ("times", "every_seconds"),
    [(ENOUGH_FAILURES - 1, ENOUGH_SECONDS), (100, 0.01), (ENOUGH_FAILURES, FORGET_SECONDS + 1)],
    ids=["few", "a moment's", "rare"],
)
def test_failures_that_may_pass_are_not_chronic(times: int, every_seconds: float) -> None:
    bench = Bench()
    bench.fail(times, every_seconds)
    assert not bench.chronic


def test_a_failing_disk_is_no_reason_to_make_copies() -> None:
    bench = Bench()
    bench.fail(20, 1.0, "HTTP 500: database or disk is full")
    assert not bench.chronic


def test_what_has_passed_or_was_replaced_is_forgotten() -> None:
    bench = Bench()
    bench.fail(20, 1.0)
    assert bench.chronic
    bench.now += FORGET_SECONDS + 1
    assert not bench.chronic
    bench.fail(20, 1.0)
    assert bench.chronic
    bench.ailments.forget(bench.collection, "primary")
    assert not bench.chronic


def test_an_ailment_explains_what_fails_alike_for_a_while_and_nothing_else() -> None:
    bench = Bench()
    collection, ailments = bench.collection, bench.ailments
    assert not ailments.explains(collection, "primary", ERROR)
    bench.fail(1, 0.0)
    assert ailments.explains(collection, "primary", ERROR)
    assert not ailments.explains(collection, "primary", "HTTP 500: something else")
    assert not ailments.explains(collection, "replica", ERROR)
    bench.now += FORGET_SECONDS + 1
    assert not ailments.explains(collection, "primary", ERROR)
