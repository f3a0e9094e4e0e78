import pytest

from harness.checkers.counts import check
from harness.checkers.judge import judge
from harness.model.operation import Completion, Operation
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import NEW, OLD, add, created, delete, history, upsert
from tests.unit.checkers.parts import ONES, count, drop, update

INFO = Completion.INFO
OTHER = "g/0@w"


@pytest.mark.parametrize(
    ("operations", "possible"),
    [
        pytest.param([], {0}, id="nothing"),
        pytest.param([add(OLD, 2, 3), add(OTHER, 4, 5)], {2}, id="two"),
        pytest.param([add(OLD, 2, 3), upsert(NEW, 4, 5)], {1}, id="one, written twice"),
        pytest.param([add(OLD, 2, 3), update(ONES, 4, 5)], {1}, id="a mark is no document"),
        pytest.param([update(NEW, 2, 3)], {0}, id="an update makes none"),
        pytest.param([add(OLD, 2, 25)], {0, 1}, id="under way"),
        pytest.param([add(OLD, 2, 3, INFO)], {0, 1}, id="in doubt"),
        pytest.param([add(OLD, 2, 3), delete(4, 5)], {0}, id="deleted"),
        pytest.param([add(OLD, 2, 3), delete(4, 25)], {0, 1}, id="a delete under way"),
        pytest.param([add(OLD, 2, 3), delete(4, 5, INFO)], {0, 1}, id="a delete in doubt"),
        pytest.param([delete(2, 3), add(OLD, 4, 5)], {1}, id="deleted before"),
        pytest.param([add(OLD, 2, 5), delete(3, 4)], {0, 1}, id="in either order"),
        pytest.param([add(OLD, 2, 3), drop(4, 5)], {0}, id="dropped"),
        pytest.param([add(OLD, 22, 23)], {0}, id="later"),
    ],
)
def test_a_count_is_of_what_can_have_been_there(
    operations: list[Operation], possible: set[int]
) -> None:
    for counted in range(4):
        verdict = check(history(created(), *operations, count(counted, 20, 21)), [])
        assert (verdict.outcome is Outcome.PASS) == (counted in possible), verdict


def test_a_run_in_which_nobody_counts_is_not_judged_by_counts() -> None:
    def names(*operations: Operation) -> set[str]:
        return {verdict.checker for verdict in judge(history(created(), *operations), [])}

    assert names(count(0, 2, 3)) - names() == {"counts"}
