import pytest

from harness.checkers.sessions import check_monotonic_reads, check_read_your_writes
from harness.model.operation import Completion, Operation
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import (
    DOCUMENT,
    NEW,
    NEWEST,
    OLD,
    add,
    created,
    delete,
    get,
    history,
    upsert,
)
from tests.unit.checkers.parts import update

INFO = Completion.INFO


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param([upsert(OLD, 2, 3), get(OLD, 4, 5)], id="its own value"),
        pytest.param(
            [upsert(OLD, 2, 3), upsert(NEW, 2, 5, process="other"), get(NEW, 6, 7)],
            id="another client's value that may be later",
        ),
        pytest.param(
            [upsert(OLD, 2, 3), delete(4, 5, process="other"), get("", 6, 7)],
            id="another client's delete",
        ),
        pytest.param(
            [upsert(OLD, 2, 3), delete(4, 5), add(NEW, 4, 6, process="other"), get(NEW, 7, 8)],
            id="written again",
        ),
        pytest.param([upsert(OLD, 2, 3), add(NEW, 4, 5), get(OLD, 6, 7)], id="add was ignored"),
        pytest.param(
            [upsert(OLD, 2, 3), upsert(NEW, 4, 5, INFO), get(OLD, 6, 7)],
            id="its own write in doubt promises nothing",
        ),
        pytest.param(
            [upsert(OLD, 2, 3, INFO, process="other"), upsert(NEW, 4, 5), get(OLD, 6, 7)],
            id="another client's write in doubt, applied late",
        ),
    ],
)
def test_a_read_of_its_own_write_or_a_later_one_passes(operations: list[Operation]) -> None:
    assert check_read_your_writes(history(created(), *operations), []).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param([upsert(OLD, 2, 3), get("", 4, 5)], id="its write is not there"),
        pytest.param([upsert(OLD, 2, 3), upsert(NEW, 4, 5), get(OLD, 6, 7)], id="the value before"),
        pytest.param([upsert(OLD, 2, 3), delete(4, 5), get(OLD, 6, 7)], id="its delete undone"),
        pytest.param([add(OLD, 2, 3), get("", 4, 5)], id="its add is not there"),
        pytest.param([delete(2, 3), add(OLD, 4, 5), get("", 6, 7)], id="deleted before its add"),
        pytest.param(
            [upsert(OLD, 2, 3), get("", 4, 5), delete(6, 7, process="other")],
            id="deleted by another, but only after the read",
        ),
    ],
)
def test_a_read_of_less_than_its_own_write_fails(operations: list[Operation]) -> None:
    verdict = check_read_your_writes(history(created(), *operations), [])
    assert verdict.outcome is Outcome.FAIL
    assert DOCUMENT in verdict.violations[0].message


def test_what_another_client_wrote_is_not_its_own_write() -> None:
    stale = [upsert(OLD, 2, 3), get("", 4, 5, process="other")]
    assert check_read_your_writes(history(created(), *stale), []).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param([get("", 1, 2), get(OLD, 4, 5), get(NEW, 8, 9)], id="forward"),
        pytest.param([get(OLD, 4, 5), get(OLD, 8, 9)], id="the same"),
        pytest.param(
            [upsert(NEWEST, 2, 7), get(NEW, 8, 9), get(NEWEST, 10, 11)],
            id="overlapping writes, in either order",
        ),
        pytest.param([get("", 1, 2), delete(8, 9), get(NEW, 8, 10), get("", 11, 12)], id="deleted"),
    ],
)
def test_reads_that_never_go_back_pass(operations: list[Operation]) -> None:
    writes = [upsert(OLD, 2, 3, process="w"), upsert(NEW, 6, 7, process="w")]
    verdict = check_monotonic_reads(history(created(), *writes, *operations), [])
    assert verdict.outcome is Outcome.PASS


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param([get(NEW, 7, 8), get(OLD, 9, 10)], id="new, and then old"),
        pytest.param([get(OLD, 4, 5), get("", 6, 7)], id="there, and then not there yet"),
        pytest.param(
            [get(OLD, 4, 5), delete(11, 12, process="w"), get("", 13, 14), get(NEW, 15, 16)],
            id="deleted, and then there again",
        ),
        pytest.param(
            [
                upsert(NEWEST, 1, 2, INFO, process="w"),
                get(NEW, 7, 8),
                get(NEWEST, 9, 10),
                get(OLD, 11, 12),
            ],
            id="older than a read before the last one",
        ),
    ],
)
def test_reads_that_go_back_fail(operations: list[Operation]) -> None:
    writes = [upsert(OLD, 2, 3, process="w"), upsert(NEW, 6, 7, process="w")]
    verdict = check_monotonic_reads(history(created(), *writes, *operations), [])
    assert verdict.outcome is Outcome.FAIL
    assert DOCUMENT in verdict.violations[0].message


def test_reads_of_two_clients_promise_nothing_to_either() -> None:
    writes = [upsert(OLD, 2, 3), upsert(NEW, 6, 7)]
    reads = [get(NEW, 7, 8), get(OLD, 9, 10, process="other")]
    verdict = check_monotonic_reads(history(created(), *writes, *reads), [])
    assert verdict.outcome is Outcome.UNKNOWN


def test_the_evidence_is_the_read_what_it_contradicts_and_every_write() -> None:
    made = history(created(), upsert(OLD, 2, 3), upsert(NEW, 4, 5), get(OLD, 6, 7))
    assert check_read_your_writes(made, []).violations[0].evidence == (
        f"client-1#6 read {OLD} after client-1#4",
        f"client-1#2: set {OLD} (acknowledged)",
        f"client-1#4: set {NEW} (acknowledged)",
    )


def test_nothing_may_have_been_read_before_the_first_write_though_a_delete_is_under_way() -> None:
    nothing_there_yet = update(NEW, 0, 1, process="w")
    writes = [nothing_there_yet, upsert(OLD, 2, 4, process="w"), delete(5, 9, process="other")]
    reads = [get("", 3, 6), get(OLD, 7, 8)]
    verdict = check_monotonic_reads(history(created(), *writes, *reads), [])
    assert verdict.outcome is Outcome.PASS
