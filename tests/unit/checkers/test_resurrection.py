import pytest

from harness.checkers.resurrection import check
from harness.model.operation import Completion, Operation
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import (
    NEW,
    OLD,
    add,
    created,
    delete,
    delete_file,
    final,
    history,
)

INFO = Completion.INFO


@pytest.mark.parametrize(
    ("operations", "held"),
    [
        pytest.param([add(OLD, 2, 3), delete(4, 5)], [], id="deleted by id"),
        pytest.param([add(OLD, 2, 3), delete_file(4, 5)], [], id="deleted by file"),
        pytest.param([add(OLD, 2, 3), delete(4, 5), add(NEW, 6, 7)], [NEW], id="written again"),
        pytest.param([add(OLD, 2, 5), delete(3, 4)], [OLD], id="the overlapping add came later"),
        pytest.param([add(OLD, 2, 3, INFO), delete(4, 5)], [OLD], id="in doubt, applied late"),
    ],
)
def test_an_allowed_final_state_passes(operations: list[Operation], held: list[str]) -> None:
    assert check(history(created(), *operations), [final(*held)]).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("operations", "held"),
    [
        pytest.param([add(OLD, 2, 3), delete(4, 5)], [OLD], id="deleted by id"),
        pytest.param([add(OLD, 2, 3), delete_file(4, 5)], [OLD], id="deleted by file"),
        pytest.param(
            [add(OLD, 2, 3), delete(4, 5), add(NEW, 6, 7)], [OLD], id="old content after rewrite"
        ),
        pytest.param(
            [add(OLD, 2, 3), delete(4, 5), add(NEW, 6, 7, INFO)], [OLD], id="rewrite in doubt"
        ),
    ],
)
def test_a_resurrected_document_fails(operations: list[Operation], held: list[str]) -> None:
    verdict = check(history(created(), *operations), [final(*held)])
    assert verdict.outcome is Outcome.FAIL
    assert verdict.figures["resurrected"] == 1


def test_a_delete_in_doubt_promises_nothing() -> None:
    verdict = check(history(created(), add(OLD, 2, 3), delete(4, 5, INFO)), [final(OLD)])
    assert verdict.outcome is Outcome.UNKNOWN


def test_the_evidence_names_the_delete_and_what_is_held() -> None:
    verdict = check(history(created(), add(OLD, 2, 3), delete(4, 5)), [final(OLD)])
    assert verdict.violations[0].evidence == (
        f"held: {OLD}",
        "allowed: nothing",
        f"client-1#2: set_if_absent {OLD} (acknowledged)",
        "client-1#4: delete  (acknowledged)",
    )
