"""What a reader of a violation is shown: as little as proves it, and still a proof."""

from hypothesis import assume, given
from hypothesis import strategies as st

from harness.checkers.linearizability.minimal import minimal
from harness.checkers.models import CasRegister
from harness.model.verdict import Outcome
from tests.unit.checkers.linearizable import RegisterCall, by_brute_force, read, write


def names(calls: list[RegisterCall]) -> list[str]:
    return [call.name for call in minimal(CasRegister(0), calls)]


def test_reads_that_prove_nothing_are_left_out() -> None:
    calls = [write(1, 1, 2), read(1, 3, 4), read(1, 5, 6), read(0, 7, 8)]
    assert names(calls) == ["write-1", "read-7"]


def test_nothing_after_the_first_contradiction_is_kept() -> None:
    calls = [write(1, 1, 2), read(0, 3, 4), write(2, 5, 6), read(1, 7, 8)]
    assert names(calls) == ["write-1", "read-3"]


def test_a_write_that_had_not_returned_by_then_is_in_doubt() -> None:
    found = minimal(CasRegister(0), [write(1, 1, 9), read(2, 3, 4)])
    assert [(call.name, call.returned_ns) for call in found] == [("write-1", None), ("read-3", 4)]


@st.composite
def histories(draw: st.DrawFn) -> list[RegisterCall]:
    calls = []
    for number in range(draw(st.integers(2, 6))):
        start = draw(st.integers(0, 12)) * 10 + number
        end = start + draw(st.integers(1, 60))
        value = draw(st.integers(0, 2))
        if draw(st.booleans()):
            calls.append(read(value, start, end))
        else:
            calls.append(write(value, start, end if draw(st.booleans()) else None))
    return calls


@given(histories())
def test_what_is_left_is_still_explained_by_no_order(calls: list[RegisterCall]) -> None:
    assume(by_brute_force(CasRegister(0), calls) is Outcome.FAIL)
    found = minimal(CasRegister(0), calls)
    assert by_brute_force(CasRegister(0), found) is Outcome.FAIL
    assert {call.name for call in found} <= {call.name for call in calls}
