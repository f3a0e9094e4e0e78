"""Updates and marks: for each checker that judges them, legal histories and illegal ones."""

import pytest

from harness.checkers import durability, phantom, resurrection
from harness.checkers.linearizability.documents import check_documents
from harness.checkers.sessions import check_monotonic_reads, check_read_your_writes
from harness.model.document import make_mark
from harness.model.final_state import HeldDocument
from harness.model.operation import Completion, Operation
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import (
    DOCUMENT,
    NEW,
    OLD,
    add,
    created,
    delete,
    final,
    get,
    history,
    query,
    upsert,
)
from tests.unit.checkers.parts import ONES, TWOS, TWOS_NEXT, get_parts, marked, update

INFO, FAIL = Completion.INFO, Completion.FAIL
OTHERS = make_mark("g/0", "two", "1")


@pytest.mark.parametrize(
    ("operations", "document"),
    [
        pytest.param([add(OLD, 2, 3), update(NEW, 4, 5)], marked(NEW), id="updated"),
        pytest.param([add(OLD, 2, 5), update(NEW, 3, 4)], marked(OLD), id="found nothing yet"),
        pytest.param([add(OLD, 2, 3), update(NEW, 4, 5, INFO)], marked(OLD), id="not done"),
        pytest.param([add(OLD, 2, 3), update(NEW, 4, 5, INFO)], marked(NEW), id="in doubt, done"),
        pytest.param([add(OLD, 2, 3), update(ONES, 4, 5)], marked(OLD, ONES), id="marked"),
        pytest.param(
            [add(OLD, 2, 3), update(ONES, 4, 5), upsert(NEW, 6, 7)],
            marked(NEW, ONES),
            id="an upsert keeps marks",
        ),
        pytest.param(
            [add(OLD, 2, 3), update(ONES, 4, 9), update(TWOS, 4, 9)],
            marked(OLD, ONES, TWOS),
            id="two marks at once",
        ),
        pytest.param(
            [add(OLD, 2, 3), update(ONES, 4, 5), delete(6, 7), add(NEW, 8, 9)],
            marked(NEW),
            id="made again without marks",
        ),
    ],
)
def test_what_updates_may_leave_passes(operations: list[Operation], document: HeldDocument) -> None:
    made, state = history(created(), *operations), final(documents={DOCUMENT: document})
    assert durability.check(made, [state]).outcome is Outcome.PASS
    assert phantom.check(made, [state]).outcome is Outcome.PASS
    assert resurrection.check(made, [state]).outcome is not Outcome.FAIL


@pytest.mark.parametrize(
    ("operations", "document"),
    [
        pytest.param([add(OLD, 2, 3), update(NEW, 4, 5)], marked(OLD), id="not updated"),
        pytest.param([add(OLD, 2, 3), update(ONES, 4, 5)], marked(OLD), id="the mark is missing"),
        pytest.param(
            [add(OLD, 2, 3), update(ONES, 4, 5), upsert(NEW, 6, 7)],
            marked(NEW),
            id="an upsert took the mark away",
        ),
        pytest.param(
            [add(OLD, 2, 3), update(TWOS, 4, 5), update(TWOS_NEXT, 6, 7)],
            marked(OLD, TWOS),
            id="an older mark",
        ),
        pytest.param(
            [add(OLD, 2, 3), update(TWOS, 4, 5), update(ONES, 6, 7)],
            marked(OLD, ONES),
            id="another client's mark took its place",
        ),
    ],
)
def test_an_acknowledged_update_that_is_not_there_is_lost(
    operations: list[Operation], document: HeldDocument
) -> None:
    made, state = history(created(), *operations), final(documents={DOCUMENT: document})
    assert durability.check(made, [state]).outcome is Outcome.FAIL
    assert resurrection.check(made, [state]).outcome is not Outcome.FAIL


@pytest.mark.parametrize(
    ("operations", "document"),
    [
        pytest.param([update(NEW, 2, 3)], marked(NEW), id="an update made the document"),
        pytest.param([add(OLD, 2, 3)], marked(OLD, ONES), id="a mark that nobody set"),
        pytest.param(
            [add(OLD, 2, 3), update(TWOS, 4, 5, FAIL)], marked(OLD, TWOS), id="a mark was refused"
        ),
    ],
)
def test_what_no_update_can_have_written_is_a_phantom(
    operations: list[Operation], document: HeldDocument
) -> None:
    made, state = history(created(), *operations), final(documents={DOCUMENT: document})
    assert phantom.check(made, [state]).outcome is Outcome.FAIL


def test_the_mark_of_another_document_is_a_phantom() -> None:
    metadata = {**(marked(OLD).metadata or {}), "mark.two": OTHERS}
    document = HeldDocument(marked(OLD).text, metadata, marked(OLD).embedding_digest)
    made = history(created(), add(OLD, 2, 3), update(TWOS, 4, 5))
    verdict = phantom.check(made, [final(documents={DOCUMENT: document})])
    assert verdict.violations[0].evidence[0] == f"held: the mark of another document: {OTHERS}"


def test_an_update_that_brings_back_what_was_deleted_is_a_resurrection() -> None:
    made = history(created(), add(OLD, 2, 3), delete(4, 5), update(NEW, 6, 7))
    assert resurrection.check(made, [final()]).outcome is Outcome.PASS
    revived = final(documents={DOCUMENT: marked(NEW)})
    assert resurrection.check(made, [revived]).outcome is Outcome.FAIL
    assert durability.check(made, [revived]).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param([add(OLD, 2, 3), update(NEW, 4, 5), get(NEW, 6, 7)], id="updated"),
        pytest.param([update(NEW, 2, 3), get("", 4, 5)], id="nothing to update"),
        pytest.param([add(OLD, 2, 9), update(NEW, 3, 4), get(OLD, 10, 11)], id="came too early"),
        pytest.param(
            [add(OLD, 2, 3), update(ONES, 4, 5), get_parts([OLD, ONES], 6, 7)], id="marked"
        ),
        pytest.param(
            [add(OLD, 2, 3), update(ONES, 4, 9), get_parts([OLD], 5, 6)], id="not marked yet"
        ),
        pytest.param(
            [add(OLD, 2, 3), update(ONES, 4, 5, INFO), get_parts([OLD], 6, 7)], id="in doubt"
        ),
        pytest.param(
            [
                add(OLD, 2, 3),
                update(ONES, 4, 5),
                delete(6, 7),
                upsert(NEW, 8, 9),
                get_parts([NEW], 10, 11),
            ],
            id="made again without marks",
        ),
    ],
)
def test_reads_that_updates_explain_pass(operations: list[Operation]) -> None:
    made = history(created(), *operations)
    assert check_documents(made, []).outcome is Outcome.PASS
    assert check_read_your_writes(made, []).outcome is not Outcome.FAIL


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param([add(OLD, 2, 3), update(NEW, 4, 5), get(OLD, 6, 7)], id="not updated"),
        pytest.param([update(NEW, 2, 3), get(NEW, 4, 5)], id="an update made it"),
        pytest.param(
            [add(OLD, 2, 3), update(ONES, 4, 5), get_parts([OLD], 6, 7)], id="the mark is missing"
        ),
        pytest.param(
            [add(OLD, 2, 3), update(ONES, 4, 5), query([OLD], 6, 7)], id="missing in a search"
        ),
        pytest.param(
            [add(OLD, 2, 3), update(TWOS, 4, 5), upsert(NEW, 6, 7), get_parts([NEW], 8, 9)],
            id="an upsert took the mark away",
        ),
        pytest.param([add(OLD, 2, 3), get_parts([OLD, ONES], 4, 5)], id="a mark that nobody set"),
    ],
)
def test_reads_that_no_order_of_updates_explains_fail(operations: list[Operation]) -> None:
    assert check_documents(history(created(), *operations), []).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("operations", "outcome"),
    [
        ([add(OLD, 2, 3), update(NEW, 4, 5), get(OLD, 6, 7)], Outcome.FAIL),
        ([add(OLD, 2, 3), update(ONES, 4, 5), get_parts([OLD], 6, 7)], Outcome.FAIL),
        ([update(NEW, 4, 5), get("", 6, 7)], Outcome.PASS),
        ([add(OLD, 2, 3, process="w"), delete(4, 5, process="w"), get("", 6, 7)], Outcome.UNKNOWN),
    ],
)
def test_a_client_reads_its_own_updates(operations: list[Operation], outcome: Outcome) -> None:
    assert check_read_your_writes(history(created(), *operations), []).outcome is outcome


def test_a_mark_that_was_read_does_not_disappear() -> None:
    writes = [add(OLD, 1, 2, process="w"), update(ONES, 3, 4, process="w")]
    forward = [get_parts([OLD], 2, 3), get_parts([OLD, ONES], 4, 5)]
    back = [get_parts([OLD, ONES], 5, 6), get_parts([OLD], 7, 8)]
    assert check_monotonic_reads(history(*writes, *forward), []).outcome is Outcome.PASS
    assert check_monotonic_reads(history(*writes, *back), []).outcome is Outcome.FAIL
