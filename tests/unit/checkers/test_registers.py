"""The search for final values, and the three checkers on it, against brute force."""

import time
from collections.abc import Iterator, Sequence
from itertools import combinations, cycle, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.checkers.cases import cases
from harness.checkers.durability import is_lost
from harness.checkers.registers import ABSENT, effects_by_document, final_values
from harness.checkers.resurrection import is_resurrected
from harness.model.operation import Completion, Kind, Operation
from tests.unit.checkers.histories import (
    COLLECTION,
    DOCUMENT,
    add,
    delete,
    final,
    history,
    operation,
    upsert,
)
from tests.unit.checkers.parts import update

TOKENS = [f"{DOCUMENT}@{n}" for n in range(5)]


@st.composite
def tiny_histories(draw: st.DrawFn) -> list[Operation]:
    """Up to five operations on one document, overlapping or not, of every kind and completion."""
    operations = []
    for n in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, 8))
        kind = draw(st.sampled_from([Kind.ADD, Kind.UPSERT, Kind.UPDATE, Kind.DELETE]))
        operations.append(
            operation(
                kind,
                start,
                start + draw(st.integers(0, 4)),
                draw(st.sampled_from(Completion)),
                tokens=[] if kind is Kind.DELETE else [TOKENS[n]],
                ids=[DOCUMENT],
            )
        )
    return operations


def brute_force(operations: Sequence[Operation]) -> set[str]:
    """Try every order of every choice of operations in doubt."""
    return {
        replay(order)
        for chosen in choices(operations)
        for order in permutations(chosen)
        if agrees_with_real_time(order)
    }


def choices(operations: Sequence[Operation]) -> Iterator[list[Operation]]:
    certain = [o for o in operations if o.completion is Completion.OK]
    doubtful = [o for o in operations if o.completion is Completion.INFO]
    for count in range(len(doubtful) + 1):
        for happened in combinations(doubtful, count):
            yield [*certain, *happened]


def agrees_with_real_time(order: Sequence[Operation]) -> bool:
    return not any(
        later.completion is Completion.OK and later.completed_ns < earlier.invoked_ns
        for n, earlier in enumerate(order)
        for later in order[n + 1 :]
    )


def replay(order: Sequence[Operation]) -> str:
    value = ABSENT
    for op in order:
        match op.kind:
            case Kind.DELETE:
                value = ABSENT
            case Kind.UPSERT:
                value = op.tokens[0]
            case Kind.UPDATE:
                value = op.tokens[0] if value else value
            case _:
                value = value or op.tokens[0]
    return value


@settings(deadline=None, max_examples=500)
@given(tiny_histories())
def test_final_values_are_those_of_brute_force(operations: list[Operation]) -> None:
    effects = effects_by_document(operations).get((COLLECTION, DOCUMENT), ())
    assert final_values(effects) == brute_force(operations)


@settings(deadline=None, max_examples=300)
@given(tiny_histories(), st.sampled_from([ABSENT, *TOKENS]))
def test_a_state_is_faulted_by_a_checker_exactly_when_brute_force_forbids_it(
    operations: list[Operation], held: str
) -> None:
    state = final(*([held] if held else []))
    faulted = any(
        is_lost(case) or is_resurrected(case) or case.is_foreign
        for case in cases(history(*operations), [state])
        if not case.is_collection
    )
    assert faulted == (held not in brute_force(operations))


def test_a_delete_by_file_touches_every_document_of_that_file_and_collection() -> None:
    written = operation(Kind.ADD, 1, 2, tokens=["f/0@w", "f/1@w", "g/0@w"])
    removed = operation(Kind.DELETE, 3, 4, file="f")
    effects = effects_by_document([written, removed])
    touched = {key[1] for key, found in effects.items() if len(found) == 2}
    assert touched == {"f/0", "f/1"}


def test_thirty_operations_at_once_on_one_document_are_decided_at_once() -> None:
    kinds = (Kind.ADD, Kind.UPSERT, Kind.UPDATE, Kind.DELETE)
    completions = (Completion.OK, Completion.INFO)
    operations = [
        operation(
            kinds[n % 4],
            n,
            100,
            completions[n % 2],
            tokens=[] if n % 4 == 3 else [f"{DOCUMENT}@{n}"],
            ids=[DOCUMENT],
        )
        for n in range(30)
    ]
    effects = effects_by_document(operations)[COLLECTION, DOCUMENT]
    began = time.process_time()
    values = final_values(effects)
    assert time.process_time() - began < 1.0
    assert values == {ABSENT, *(f"{DOCUMENT}@{n}" for n in range(30) if n % 4 != 3)}


def test_a_hot_document_of_a_long_run_is_decided_at_once() -> None:
    operations = [
        operation(Kind.UPSERT, n, n + 5, completion, tokens=[f"{DOCUMENT}@{n}"])
        for n, completion in zip(range(5000), cycle([Completion.OK, Completion.INFO]), strict=False)
    ]
    effects = effects_by_document(operations)[COLLECTION, DOCUMENT]
    began = time.process_time()
    last_known = {f"{DOCUMENT}@{n}" for n in (4994, 4996, 4998)}
    in_doubt = {f"{DOCUMENT}@{n}" for n in range(1, 5000, 2)}
    assert final_values(effects) == last_known | in_doubt
    assert time.process_time() - began < 2.0


INFO = Completion.INFO
S, A, U = (f"{DOCUMENT}@{name}" for name in ("set", "add", "update"))


@pytest.mark.parametrize(
    ("operations", "values"),
    [
        pytest.param(
            [upsert(S, 0, 1), add(A, 2, 3), delete(4, 5, INFO)], {S, ABSENT}, id="deleted later"
        ),
        pytest.param(
            [upsert(S, 0, 1), delete(2, 5, INFO), add(A, 3, 4)], {S, ABSENT, A}, id="in between"
        ),
        pytest.param([update(U, 0, 1), add(A, 2, 3)], {A}, id="updated before it was there"),
        pytest.param([add(A, 0, 1), update(U, 2, 3)], {U}, id="updated"),
        pytest.param([add(A, 0, 3), update(U, 1, 2)], {A, U}, id="at the same time"),
        pytest.param([add(A, 0, 1, INFO), update(U, 2, 3)], {ABSENT, A, U}, id="an add in doubt"),
        pytest.param([add(A, 0, 1), delete(2, 3), update(U, 4, 5)], {ABSENT}, id="deleted before"),
        pytest.param([add(A, 0, 1), delete(2, 3), update(U, 2, 5)], {ABSENT}, id="replaced, gone"),
    ],
)
def test_which_values_may_be_left(operations: list[Operation], values: set[str]) -> None:
    effects = effects_by_document(operations)[COLLECTION, DOCUMENT]
    assert final_values(effects) == values == brute_force(operations)
