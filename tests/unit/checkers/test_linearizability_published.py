"""Histories from the literature and from other checkers' tests, with their published verdicts."""

from dataclasses import dataclass

import pytest

from harness.checkers.linearizability import UNKNOWN, Call, Model, Unknown, check
from harness.checkers.models import CasRegister, CompareAndSet
from harness.model.verdict import Outcome
from tests.unit.checkers.linearizable import RegisterCall, call, read, write


@dataclass(frozen=True)
class Enqueue:
    item: str


@dataclass(frozen=True)
class Dequeue:
    pass


class Queue(Model[tuple[str, ...], Enqueue | Dequeue, str]):
    """First in, first out; a dequeue of an empty queue never returns."""

    def initial(self) -> tuple[str, ...]:
        return ()

    def step(
        self,
        state: tuple[str, ...],
        asked: Enqueue | Dequeue,
        output: str | Unknown,
    ) -> tuple[bool, tuple[str, ...]]:
        if isinstance(asked, Enqueue):
            return True, (*state, asked.item)
        return bool(state) and output in (UNKNOWN, state[0]), state[1:]


QueueCall = Call[Enqueue | Dequeue, str]


def enqueue(item: str, start: int, end: int | None) -> QueueCall:
    return call(f"enqueue-{start}", Enqueue(item), "", start, end)


def dequeue(item: str, start: int, end: int | None) -> QueueCall:
    return call(f"dequeue-{start}", Dequeue(), item, start, end)


@pytest.mark.parametrize(
    ("calls", "outcome"),
    [
        pytest.param(
            [
                enqueue("x", 1, 4),
                enqueue("y", 2, 3),
                dequeue("x", 5, 6),
                dequeue("y", 7, 8),
                enqueue("z", 9, None),
            ],
            Outcome.PASS,
            id="H1: overlapping enqueues, in either order",
        ),
        pytest.param(
            [enqueue("x", 1, 2), enqueue("y", 3, 4), dequeue("y", 5, 6)],
            Outcome.FAIL,
            id="H2: the later enqueue comes out first",
        ),
        pytest.param(
            [enqueue("x", 1, None), dequeue("x", 2, 3)],
            Outcome.PASS,
            id="H3: a pending enqueue took effect",
        ),
        pytest.param(
            [enqueue("x", 1, 3), enqueue("y", 2, 4), dequeue("y", 5, 7), dequeue("y", 6, 8)],
            Outcome.FAIL,
            id="H4: one item comes out twice",
        ),
    ],
)
def test_the_queues_of_herlihy_and_wing_1990(calls: list[QueueCall], outcome: Outcome) -> None:
    assert check(Queue(), calls).outcome is outcome


@pytest.mark.parametrize(
    ("calls", "outcome"),
    [
        pytest.param(
            [write(100, 0, 100), read(100, 25, 75), read(0, 30, 60)],
            Outcome.PASS,
            id="a read inside another sees the value before",
        ),
        pytest.param(
            [write(200, 0, 100), read(200, 10, 30), read(0, 40, 90)],
            Outcome.FAIL,
            id="a later read sees the value before",
        ),
        pytest.param(
            [write(100, 0, 100), read(100, 25, 75), read(0, 30, 30), read(0, 30, 30)],
            Outcome.PASS,
            id="reads that take no time",
        ),
        pytest.param(
            [write(200, 0, 100), read(200, 10, 10), read(200, 10, 10), read(0, 40, 90)],
            Outcome.FAIL,
            id="reads that take no time, and a later one",
        ),
    ],
)
def test_the_registers_of_porcupine(calls: list[RegisterCall], outcome: Outcome) -> None:
    """From its `TestRegisterModel` and `TestZeroDuration`; the first two are MIT 6.824's (2017)."""
    assert check(CasRegister(0), calls).outcome is outcome


@pytest.mark.parametrize(
    ("calls", "outcome"),
    [
        pytest.param([write(1, 0, None)], Outcome.PASS, id="a crashed write alone"),
        pytest.param([read(0, 0, 1)], Outcome.PASS, id="the initial value"),
        pytest.param([read(1, 0, 1)], Outcome.FAIL, id="a wrong initial value"),
        pytest.param(
            [
                write(2, 0, 1),
                write(4, 3, 4),
                read(4, 5, 6),
                write(0, 7, 8),
                read(0, 9, 11),
                write(1, 10, None),
                read(3, 12, 15),
                read(2, 13, 14),
            ],
            Outcome.FAIL,
            id="bad-analysis: two reads out of nowhere beside a crashed write",
        ),
        pytest.param(
            [write(0, 0, 1), read(3, 2, 4), write(4, 3, 5), read(4, 6, 7)],
            Outcome.FAIL,
            id="rethink-fail-minimal: neither the old value nor the new one",
        ),
        pytest.param(
            [
                call("cas", CompareAndSet(0, 1), True, 0, 1),
                call("cas-in-doubt", CompareAndSet(1, 2), True, 2, None),
                read(1, 3, 4),
                read(2, 5, 6),
                call("cas-refused", CompareAndSet(1, 3), False, 7, 8),
            ],
            Outcome.PASS,
            id="a crashed compare-and-set that takes effect late",
        ),
    ],
)
def test_the_registers_of_knossos(calls: list[RegisterCall], outcome: Outcome) -> None:
    assert check(CasRegister(0), calls).outcome is outcome


def test_the_register_of_knossos_names_the_read_that_nothing_explains() -> None:
    calls = [write(0, 0, 1), read(3, 2, 4), write(4, 3, 5), read(4, 6, 7)]
    evidence = check(CasRegister(None), calls).violations[0].evidence
    assert "  read-2: Read() -> 3 (0.000000 s to 0.000000 s)" in evidence
    assert not any("read-6" in line for line in evidence)
