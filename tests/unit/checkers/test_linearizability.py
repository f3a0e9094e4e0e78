import random

import pytest

from harness.checkers.linearizability import Call, check
from harness.checkers.linearizability.search import Answer, Search
from harness.checkers.models import (
    Access,
    CasRegister,
    ChromaDocument,
    CompareAndSet,
    Request,
    Write,
)
from harness.model.verdict import Outcome
from tests.unit.checkers.linearizable import RegisterCall, call, read, write

SECOND = 1_000_000_000


def _on(document: str, request: Request, token: str, start: int, end: int) -> Call[Access, str]:
    brings = "" if request is Request.GET else token
    access = Access(request, ("files", document), brings)
    return call(f"{document}-{start}", access, token, start, end)


def _hard(document: str) -> list[Call[Access, str]]:
    """Make writes that all overlap, and a read of what nobody wrote: every order must be tried."""
    writes = [_on(document, Request.UPSERT, f"{n}", n, 100) for n in range(16)]
    return [*writes, _on(document, Request.GET, "never written", 200, 201)]


def test_no_calls_are_unknown() -> None:
    verdict = check(CasRegister(), [])
    assert (verdict.outcome, verdict.reason) == (Outcome.UNKNOWN, "there was nothing to examine")


def test_a_call_that_returned_before_it_was_invoked_is_refused() -> None:
    with pytest.raises(ValueError, match="read-5 returned before it was invoked"):
        read(1, 5, 4)


def test_calls_that_touch_in_time_count_as_overlapping() -> None:
    assert check(CasRegister(0), [write(1, 0, 5), read(0, 5, 6)]).outcome is Outcome.PASS
    assert check(CasRegister(0), [write(1, 0, 4), read(0, 5, 6)]).outcome is Outcome.FAIL


def test_a_call_in_doubt_may_take_effect_late_once_or_never() -> None:
    late = [write(1, 0, None), read(0, 1, 2), read(1, 3, 4)]
    twice = [*late, write(2, 5, 6), read(1, 7, 8)]
    never = [write(1, 0, None), read(0, 1, 2), read(0, 3, 4)]
    assert check(CasRegister(0), late).outcome is Outcome.PASS
    assert check(CasRegister(0), twice).outcome is Outcome.FAIL
    assert check(CasRegister(0), never).outcome is Outcome.PASS


def test_a_call_in_doubt_has_no_effect_before_its_invocation() -> None:
    assert check(CasRegister(0), [read(1, 0, 1), write(1, 2, None)]).outcome is Outcome.FAIL


def test_either_of_two_calls_in_doubt_may_be_the_one_that_is_needed_later() -> None:
    anywhere = call("write", Write(1), None, 0, None)
    only_from_0 = call("cas", CompareAndSet(0, 1), True, 0, None)
    reads = [read(1, 1, 2), write(5, 3, 4), read(1, 5, 6)]
    for doubts in ([anywhere, only_from_0], [only_from_0, anywhere]):
        assert check(CasRegister(0), [*doubts, *reads]).outcome is Outcome.PASS


def test_a_delete_of_nothing_may_be_needed_later_than_where_it_changes_nothing() -> None:
    calls = [
        _on("a", Request.DELETE, "", 0, 9),
        _on("a", Request.UPSERT, "x", 1, 3),
        _on("a", Request.GET, "", 4, 5),
    ]
    assert check(ChromaDocument(), calls).outcome is Outcome.PASS


def test_the_evidence_is_where_the_longest_order_got_stuck_and_that_order() -> None:
    calls: list[RegisterCall] = [
        write(1, 1 * SECOND, 2 * SECOND),
        write(2, 3 * SECOND, 5 * SECOND),
        read(1, 6 * SECOND, 7 * SECOND),
        call("in-doubt", Write(3), None, 4 * SECOND, None),
        write(4, 8 * SECOND, 9 * SECOND),
    ]
    verdict = check(CasRegister(0), calls)
    assert verdict.violations[0].message == (
        "no order of the operations explains what clients were told"
    )
    assert verdict.violations[0].evidence == (
        "after the longest order found (2 operations): 2",
        "none of these can come next:",
        "  read-6000000000: Read() -> 1 (5.000000 s to 6.000000 s)",
        "the longest order:",
        "  write-1000000000: Write(value=1) -> None (0.000000 s to 1.000000 s)",
        "  write-3000000000: Write(value=2) -> None (2.000000 s to 4.000000 s)",
    )


def test_a_hard_partition_does_not_hide_the_fault_of_another() -> None:
    wrong = [_on("easy", Request.GET, "never written", 0, 1)]
    verdict = check(ChromaDocument(), [*_hard("hard"), *wrong], budget=20_000)
    assert verdict.outcome is Outcome.FAIL
    assert "files/easy" in verdict.violations[0].message


def test_a_budget_that_decides_not_all_leaves_it_unknown_never_pass() -> None:
    right = [_on("easy", Request.GET, "", 0, 1)]
    verdict = check(ChromaDocument(), [*_hard("hard"), *right], budget=20_000)
    assert verdict.outcome is Outcome.UNKNOWN
    assert 20_000 <= verdict.figures["steps"] < 20_100
    assert verdict.reason.startswith("1 of 2 partitions are undecided after 20,000 steps")


def test_a_search_that_is_interrupted_at_every_step_gives_the_same_answer() -> None:
    chance = random.Random(1)
    for _ in range(300):
        calls = [
            write(chance.randrange(3), n, n + chance.randrange(9))
            if chance.randrange(2)
            else read(chance.randrange(3), n, n + chance.randrange(9))
            for n in range(8)
        ]
        whole, in_steps = Search(CasRegister(0), calls), Search(CasRegister(0), calls)
        answer = whole.advance(10_000)
        while (interrupted := in_steps.advance(1)) is Answer.UNDECIDED:
            pass
        assert (interrupted, in_steps.steps) == (answer, whole.steps)


def test_many_calls_in_doubt_that_cannot_matter_cost_little() -> None:
    doubts = [write(n, n, None) for n in range(1, 200)]
    verdict = check(CasRegister(0), [*doubts, write(500, 300, 301), read(0, 400, 401)])
    assert verdict.outcome is Outcome.FAIL
    assert verdict.figures["steps"] < 100_000


def test_one_long_partition_is_judged_in_time_that_grows_with_its_length() -> None:
    calls: list[RegisterCall] = []
    for n in range(20_000):
        calls += [write(n, 10 * n, 10 * n + 3), read(n, 10 * n + 4, 10 * n + 5)]
    verdict = check(CasRegister(), calls)
    assert (verdict.outcome, verdict.figures["steps"]) == (Outcome.PASS, 40_000)
