"""Helpers for tests of the linearizability engine: calls in short, and a judge that cannot err."""

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from harness.checkers.linearizability import UNKNOWN, Call, Model
from harness.checkers.models import Read, RegisterInput, Write
from harness.model.verdict import Outcome

S = TypeVar("S", bound=Hashable)
I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741

RegisterCall = Call[RegisterInput, Hashable]


def call(name: str, asked: I, output: O, start: int, end: int | None) -> Call[I, O]:
    return Call(name, asked, UNKNOWN if end is None else output, start, end)


def write(value: Hashable, start: int, end: int | None) -> RegisterCall:
    return call(f"write-{start}", Write(value), None, start, end)


def read(value: Hashable, start: int, end: int) -> RegisterCall:
    return call(f"read-{start}", Read(), value, start, end)


def by_brute_force(model: Model[S, I, O], calls: Iterable[Call[I, O]]) -> Outcome:
    """Try every order of the calls of every partition that time allows: the definition itself."""
    partitions: dict[Hashable, list[Call[I, O]]] = {}
    for made in calls:
        partitions.setdefault(model.partition(made.input), []).append(made)
    if not partitions:
        return Outcome.UNKNOWN
    legal = all(_some_order(model, model.initial(), part) for part in partitions.values())
    return Outcome.PASS if legal else Outcome.FAIL


def _some_order(model: Model[S, I, O], state: S, left: Sequence[Call[I, O]]) -> bool:
    returned_ns = [made.returned_ns for made in left if made.returned_ns is not None]
    if not returned_ns:
        return True
    for n, made in enumerate(left):
        if made.invoked_ns <= min(returned_ns):
            legal, after = model.step(state, made.input, made.output)
            if legal and _some_order(model, after, [*left[:n], *left[n + 1 :]]):
                return True
    return False
