import pytest

from harness.checkers.durability import check
from harness.model.final_state import FinalState
from harness.model.operation import Completion, Operation
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import (
    NEW,
    NEWEST,
    OLD,
    add,
    created,
    delete,
    delete_file,
    final,
    history,
    query,
    upsert,
)

FAIL, INFO = Completion.FAIL, Completion.INFO


@pytest.mark.parametrize(
    ("operations", "held"),
    [
        pytest.param([add(OLD, 2, 3)], [OLD], id="an added document is there"),
        pytest.param([upsert(OLD, 2, 3), upsert(NEW, 4, 5)], [NEW], id="the later write is there"),
        pytest.param([add(OLD, 2, 3), add(NEW, 4, 5)], [OLD], id="a second add is ignored"),
        pytest.param([upsert(OLD, 2, 5), upsert(NEW, 3, 4)], [OLD], id="overlapping, first won"),
        pytest.param([upsert(OLD, 2, 5), upsert(NEW, 3, 4)], [NEW], id="overlapping, second won"),
        pytest.param([upsert(OLD, 2, 3), delete(4, 5)], [], id="deleted afterwards"),
        pytest.param([upsert(OLD, 2, 3), delete(4, 9, INFO)], [], id="a delete in doubt happened"),
        pytest.param([upsert(OLD, 2, 3), delete(4, 9, INFO)], [OLD], id="it did not happen"),
        pytest.param(
            [upsert(OLD, 2, 3, INFO), upsert(NEW, 4, 5)], [OLD], id="a write in doubt came later"
        ),
        pytest.param([upsert(OLD, 2, 3), upsert(NEW, 4, 5, FAIL)], [OLD], id="refused, ignored"),
    ],
)
def test_an_allowed_final_state_passes(operations: list[Operation], held: list[str]) -> None:
    assert check(history(created(), *operations), [final(*held)]).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("operations", "held"),
    [
        pytest.param([add(OLD, 2, 3)], [], id="an added document is missing"),
        pytest.param([upsert(OLD, 2, 3), upsert(NEW, 4, 5)], [OLD], id="the older one is there"),
        pytest.param([add(OLD, 2, 3), add(NEW, 4, 5)], [NEW], id="a second add replaced"),
        pytest.param([upsert(OLD, 2, 3), upsert(NEW, 4, 5, INFO)], [], id="doubt excuses no loss"),
        pytest.param(
            [delete(2, 3, INFO), upsert(OLD, 4, 5), upsert(NEW, 6, 7)],
            [OLD],
            id="a delete in doubt does not bring an older content",
        ),
        pytest.param([delete_file(2, 3), add(OLD, 4, 5)], [], id="written after the delete"),
        pytest.param([upsert(OLD, 2, 3), delete(4, 5, FAIL)], [], id="a refused delete happened"),
    ],
)
def test_a_lost_write_fails(operations: list[Operation], held: list[str]) -> None:
    verdict = check(history(created(), *operations), [final(*held)])
    assert verdict.outcome is Outcome.FAIL
    assert verdict.figures["lost"] == 1


def test_a_write_missing_from_one_instance_only_fails_and_names_it() -> None:
    verdict = check(history(created(), add(OLD, 2, 3)), [final(OLD), final(instance="replica")])
    assert [v.message for v in verdict.violations] == [
        "an acknowledged write is lost: AUTOTEST_files/f/0 on replica"
    ]


def test_a_missing_document_of_a_write_of_many_fails() -> None:
    both = add(OLD, 2, 3)
    other = upsert("g/0@w", 2, 3)
    verdict = check(history(created(), both, other), [final("g/0@w")])
    assert verdict.figures["lost"] == 1


def test_a_missing_collection_fails() -> None:
    verdict = check(history(created()), [FinalState("primary", {})])
    assert verdict.outcome is Outcome.FAIL
    assert "collection is lost: AUTOTEST_files on primary" in verdict.violations[0].message


def test_content_that_nobody_wrote_in_place_of_an_acknowledged_write_is_a_loss() -> None:
    verdict = check(history(created(), add(OLD, 2, 3)), [final(NEWEST)])
    assert verdict.figures["lost"] == 1


def test_without_acknowledged_writes_it_is_unknown() -> None:
    verdict = check(history(created(), add(OLD, 2, 3, INFO)), [final(OLD)])
    assert verdict.outcome is Outcome.UNKNOWN


def test_without_final_reads_it_is_unknown() -> None:
    assert check(history(created(), add(OLD, 2, 3)), []).outcome is Outcome.UNKNOWN


def test_the_outcome_table_counts_documents_over_all_instances() -> None:
    operations = [
        add(OLD, 2, 3),
        upsert("g/0@w", 2, 3),
        upsert("h/0@1", 2, 3),
        upsert("h/0@2", 4, 5),
        add("i/0@w", 2, 3, INFO),
        add("j/0@w", 2, 3, INFO),
        query(["g/0@w"], 6, 7),
    ]
    states = [
        final(OLD, "g/0@w", "h/0@1", "i/0@w"),
        final(OLD, "h/0@1", instance="replica"),
    ]
    assert check(history(created(), *operations), states).figures == {
        "lost": 2,
        "acknowledged": 3,
        "stale": 1,
        "never_read": 2,
        "in_doubt_present": 1,
        "in_doubt_absent": 1,
    }
