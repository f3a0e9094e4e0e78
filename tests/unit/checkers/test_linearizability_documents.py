import pytest

from harness.checkers.judge import judge
from harness.checkers.linearizability.documents import check_documents
from harness.checkers.reads import DocumentRead, reads_by_document
from harness.model.document import make_token
from harness.model.operation import Completion, Kind, Operation
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import (
    COLLECTION,
    DOCUMENT,
    NEW,
    OLD,
    add,
    created,
    delete,
    delete_file,
    get,
    get_file,
    history,
    operation,
    query,
    upsert,
)

INFO, FAIL = Completion.INFO, Completion.FAIL
SECOND_CHUNK = make_token("f", 1, "old")


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param([add(OLD, 2, 3), get(OLD, 4, 5)], id="read after add"),
        pytest.param([add(OLD, 2, 3), add(NEW, 4, 5), get(OLD, 6, 7)], id="add where one is"),
        pytest.param([upsert(OLD, 2, 3), upsert(NEW, 4, 9), get(OLD, 5, 6)], id="old meanwhile"),
        pytest.param([upsert(OLD, 2, 3), delete(4, 5), get("", 6, 7)], id="deleted by id"),
        pytest.param([upsert(OLD, 2, 3), delete_file(4, 5), get_file([], 6, 7)], id="by file"),
        pytest.param(
            [upsert(OLD, 2, 3, INFO), get("", 4, 5), get(OLD, 6, 7)], id="in doubt, applied late"
        ),
        pytest.param([upsert(OLD, 2, 3, FAIL), get("", 4, 5)], id="a refused write is not there"),
        pytest.param(
            [upsert(OLD, 2, 3), upsert(NEW, 4, 5), get(OLD, 6, 7, INFO)], id="a read that failed"
        ),
        pytest.param([upsert(OLD, 2, 3), query([], 4, 5), get(OLD, 6, 7)], id="a poor search"),
    ],
)
def test_reads_that_one_order_explains_pass(operations: list[Operation]) -> None:
    verdict = check_documents(history(created(), *operations, get("", 0, 1)), [])
    assert verdict.outcome is Outcome.PASS


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param([upsert(OLD, 2, 3), get("", 4, 5)], id="written and not there"),
        pytest.param([upsert(OLD, 2, 3), get_file([], 4, 5)], id="not there, by file"),
        pytest.param([upsert(OLD, 2, 3), upsert(NEW, 4, 5), get(OLD, 6, 7)], id="old content"),
        pytest.param([upsert(OLD, 2, 3), delete(4, 5), get(OLD, 6, 7)], id="read after delete"),
        pytest.param([upsert(OLD, 2, 3), delete(4, 5), query([OLD], 6, 7)], id="found by search"),
        pytest.param([add(OLD, 2, 3), add(NEW, 4, 5), get(NEW, 6, 7)], id="add over what is there"),
        pytest.param([upsert(OLD, 2, 3, FAIL), get(OLD, 4, 5)], id="a refused write is there"),
        pytest.param([get(OLD, 2, 3)], id="nobody wrote it"),
        pytest.param([get(OLD, 2, 3), upsert(OLD, 4, 5, INFO)], id="read before it was written"),
        pytest.param(
            [upsert(OLD, 2, 3), upsert(NEW, 4, 9), get(NEW, 5, 6), get(OLD, 7, 8)],
            id="new, and then old again",
        ),
    ],
)
def test_a_read_that_no_order_explains_fails(operations: list[Operation]) -> None:
    verdict = check_documents(history(created(), *operations), [])
    assert verdict.outcome is Outcome.FAIL
    assert f"{COLLECTION}/{DOCUMENT}" in verdict.violations[0].message


def test_a_run_without_reads_is_unknown() -> None:
    verdict = check_documents(history(created(), upsert(OLD, 2, 3)), [])
    assert (verdict.outcome, verdict.reason) == (Outcome.UNKNOWN, "no document was read")


def test_the_evidence_names_the_operations_their_intervals_and_the_longest_order() -> None:
    second = 1_000_000_000
    made = history(
        upsert(OLD, 1 * second, 2 * second),
        upsert(NEW, 3 * second, 4 * second),
        get(OLD, 5 * second, 6 * second),
    )
    assert check_documents(made, []).violations[0].evidence == (
        f"after the longest order found (2 operations): {NEW}",
        "none of these can come next:",
        f"  client-1#5000000000: get -> {OLD} (4.000000 s to 5.000000 s)",
        "the longest order:",
        f"  client-1#1000000000: upsert {OLD} (0.000000 s to 1.000000 s)",
        f"  client-1#3000000000: upsert {NEW} (2.000000 s to 3.000000 s)",
    )


def test_a_batch_is_one_write_of_each_of_its_documents() -> None:
    batch = operation(Kind.UPSERT, 2, 3, tokens=[OLD, SECOND_CHUNK])
    whole = history(created(), batch, get_file([OLD, SECOND_CHUNK], 4, 5))
    torn = history(created(), batch, get_file([OLD], 4, 5))
    assert check_documents(whole, []).outcome is Outcome.PASS
    assert check_documents(torn, []).outcome is Outcome.FAIL


def test_a_stale_read_is_named_by_the_judge_even_when_all_is_well_in_the_end() -> None:
    made = history(created(), upsert(OLD, 2, 3), upsert(NEW, 4, 5), get(OLD, 6, 7))
    failed = {verdict.checker for verdict in judge(made, []) if verdict.outcome is Outcome.FAIL}
    assert failed == {"linearizability", "read-your-writes"}


def test_an_answer_with_a_document_of_unknown_id_says_of_none_that_it_is_absent() -> None:
    made = get_file([OLD, ""], 2, 3)
    written = [(COLLECTION, DOCUMENT), (COLLECTION, "f/1")]
    read = DocumentRead(OLD, "client-1", "client-1#2", 2, 3)
    assert reads_by_document([made], written) == {(COLLECTION, DOCUMENT): (read,)}


def test_a_read_by_file_says_of_every_written_document_of_the_file_what_it_is() -> None:
    written = [(COLLECTION, DOCUMENT), (COLLECTION, "f/1"), (COLLECTION, "g/0"), ("other", "f/2")]
    reads = reads_by_document([get_file([OLD], 2, 3)], written)
    assert {key: [read.value for read in found] for key, found in reads.items()} == {
        (COLLECTION, DOCUMENT): [OLD],
        (COLLECTION, "f/1"): [""],
    }
