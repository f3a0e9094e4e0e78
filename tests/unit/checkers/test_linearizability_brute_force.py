"""The engine must agree with brute force on small histories, of either verdict, whatever they are.

Times are small, so that many are equal; contents are few, so that a wrong order often looks right.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.checkers.linearizability import UNKNOWN, Call, Model, check
from harness.checkers.models import (
    ABSENT,
    Access,
    Append,
    CasRegister,
    ChromaDocument,
    CompareAndSet,
    Get,
    KeyValueStore,
    Put,
    Read,
    Request,
    Write,
)
from harness.model.verdict import Outcome
from tests.unit.checkers.linearizable import by_brute_force, call

Pick = Callable[[int], int]
AnyCall = Call[Any, Any]
AnyModel = Model[Any, Any, Any]

# Every decision of a generated history is one of these numbers; when they run out it is 0.
_DECISIONS = st.lists(st.integers(min_value=0, max_value=11), min_size=8, max_size=70)
_LATEST = 12


def _document(pick: Pick) -> tuple[Any, Any]:
    request = list(Request)[pick(5)]
    document = ("files", "ab"[pick(2) and pick(2)])
    brings = request not in (Request.GET, Request.DELETE)
    access = Access(request, document, "xy"[pick(2)] if brings else ABSENT)
    return access, ("", "x", "y")[pick(3)] if request is Request.GET else ABSENT


def _register(pick: Pick) -> tuple[Any, Any]:
    match pick(3):
        case 0:
            return Read(), pick(3)
        case 1:
            return Write(pick(3)), None
        case _:
            return CompareAndSet(pick(3), pick(3)), bool(pick(2))


def _store(pick: Pick) -> tuple[Any, Any]:
    key = "ab"[pick(2) and pick(2)]
    match pick(3):
        case 0:
            return Get(key), ("", "x", "y", "xy", "yx")[pick(5)]
        case 1:
            return Put(key, ("", "x", "y")[pick(3)]), ABSENT
        case _:
            return Append(key, "xy"[pick(2)]), ABSENT


MODELS = [
    pytest.param(ChromaDocument(), _document, id="documents"),
    pytest.param(CasRegister(0), _register, id="register"),
    pytest.param(KeyValueStore(), _store, id="store"),
]


def _any_history(pick: Pick, request: Callable[[Pick], tuple[Any, Any]]) -> list[AnyCall]:
    """Make calls of which nothing is known, not even that they can be explained."""
    calls: list[AnyCall] = []
    for n in range(1 + pick(7)):
        asked, told = request(pick)
        start = pick(_LATEST)
        end = None if pick(5) == 4 else start + pick(_LATEST)
        calls.append(call(f"#{n}", asked, told, start, end))
    return calls


def _real_history(
    model: AnyModel, pick: Pick, request: Callable[[Pick], tuple[Any, Any]], most: int
) -> list[AnyCall]:
    """Make the calls of a service that works: each takes effect at a moment of its own."""
    states: dict[Any, Any] = {}
    calls: list[AnyCall] = []
    for n in range(1 + pick(most)):
        moment, doubtful, happens = 3 * n, pick(6) == 5, pick(2)
        asked, _ = request(pick)
        part = model.partition(asked)
        state = states.get(part, model.initial())
        told, after = _answer(model, state, asked)
        end = None if doubtful else moment + pick(_LATEST)
        if not doubtful or happens:
            states[part] = after
        calls.append(call(f"#{n}", asked, told, moment - pick(_LATEST), end))
    return calls


def _answer(model: AnyModel, state: Any, asked: Any) -> tuple[Any, Any]:
    """Ask the model which output would be right."""
    answers = (None, True, False, 0, 1, 2, state)
    told = next(told for told in answers if model.step(state, asked, told)[0])
    return told, model.step(state, asked, UNKNOWN)[1]


def _from(decisions: list[int]) -> Pick:
    left = iter(decisions)
    return lambda size: next(left, 0) % size


@pytest.mark.parametrize(("model", "request_of"), MODELS)
@settings(max_examples=1_000, deadline=None)
@given(decisions=_DECISIONS)
def test_it_agrees_with_brute_force_on_any_history(
    model: AnyModel, request_of: Any, decisions: list[int]
) -> None:
    calls = _any_history(_from(decisions), request_of)
    assert check(model, calls).outcome is by_brute_force(model, calls)


@pytest.mark.parametrize(("model", "request_of"), MODELS)
@settings(max_examples=200, deadline=None)
@given(decisions=_DECISIONS)
def test_it_accepts_whatever_a_correct_service_did(
    model: AnyModel, request_of: Any, decisions: list[int]
) -> None:
    calls = _real_history(model, _from(decisions), request_of, most=11)
    assert check(model, calls).outcome is Outcome.PASS


@pytest.mark.parametrize(("model", "request_of"), MODELS)
def test_it_agrees_with_brute_force_on_thousands_of_histories_of_either_verdict(
    model: AnyModel, request_of: Any
) -> None:
    chance = random.Random("either")
    found: Counter[Outcome] = Counter()
    for _ in range(4_000):
        calls = _any_history(chance.randrange, request_of)
        expected = by_brute_force(model, calls)
        assert check(model, calls).outcome is expected, calls
        found[expected] += 1
    assert min(found[Outcome.PASS], found[Outcome.FAIL]) > 500, found


@pytest.mark.parametrize(("model", "request_of"), MODELS)
def test_it_agrees_with_brute_force_when_one_answer_of_a_correct_service_is_changed(
    model: AnyModel, request_of: Any
) -> None:
    chance = random.Random("changed")
    found: Counter[Outcome] = Counter()
    for _ in range(2_000):
        calls = _real_history(model, chance.randrange, request_of, most=7)
        reads = [n for n, made in enumerate(calls) if model.is_read(made.input)]
        n = chance.choice(reads or range(len(calls)))
        told = request_of(chance.randrange)[1]
        calls[n] = call("changed", calls[n].input, told, calls[n].invoked_ns, calls[n].returned_ns)
        expected = by_brute_force(model, calls)
        assert check(model, calls).outcome is expected, calls
        found[expected] += 1
    assert min(found[Outcome.PASS], found[Outcome.FAIL]) > 50, found


@pytest.mark.parametrize(("model", "request_of"), MODELS)
def test_it_accepts_long_histories_of_a_correct_service(model: AnyModel, request_of: Any) -> None:
    chance = random.Random("long")
    for _ in range(50):
        calls = _real_history(model, chance.randrange, request_of, most=200)
        assert check(model, calls).outcome is Outcome.PASS, calls
