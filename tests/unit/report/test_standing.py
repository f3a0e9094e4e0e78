import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkers.availability import longest_gap
from harness.model.fault_window import FaultWindow
from harness.model.history import STEADY_STATE
from harness.model.observation import LbAnswer
from harness.model.operation import Completion, Kind, Operation
from harness.report.standing import Tally, states_in
from tests.unit.checkers.histories import SECOND, history, operation

OK, FAIL, INFO = Completion
TWO = [{"name": "primary", "state": "DOWN"}, {"name": "replica", "state": "UP"}]


def one_after_another(steps: list[tuple[int, int, Completion]]) -> list[Operation]:
    """Make the operations of one client: each waits, and then takes so long."""
    at, made = 0, []
    for wait, took, completion in steps:
        made.append(operation(Kind.ADD, at + wait, at + wait + took, completion))
        at += wait + took
    return made


def answer(body: object, status: int = 200) -> LbAnswer:
    text = msgspec.json.encode(body).decode()
    return LbAnswer(path="/status", asked_ns=1, answered_ns=2, status=status, body=text)


def test_operations_are_counted_once_by_how_they_completed() -> None:
    made = history(operation(Kind.ADD, 1, 2), operation(Kind.GET, 2, 3, INFO))
    tally = Tally(made)
    assert tally.look(3).counts == {OK: 1, FAIL: 0, INFO: 1}
    made.append(operation(Kind.ADD, 4, 5, FAIL))
    assert tally.look(6).counts == {OK: 1, FAIL: 1, INFO: 1}


def test_rates_are_those_of_the_last_three_seconds() -> None:
    made = history()
    tally = Tally(made)
    tally.look(0)
    for second in range(1, 11):
        for number in range(10 if second <= 5 else 2):
            made.append(operation(Kind.GET, second * SECOND + number, second * SECOND + number + 1))
        standing = tally.look(second * SECOND)
        if second == 5:
            assert standing.per_second[OK] == 10
    assert standing.per_second[OK] == 2


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(1, 9), st.sampled_from(Completion)), min_size=1
    ),
    st.integers(1, 5),
)
def test_the_gap_is_the_one_that_the_checker_finds_however_often_one_looks(
    steps: list[tuple[int, int, Completion]], every: int
) -> None:
    made = history()
    tally = Tally(made)
    operations = one_after_another(steps)
    for number, each in enumerate(operations):
        made.append(each)
        if number % every == 0:
            tally.look(each.completed_ns)
    assert tally.look(operations[-1].completed_ns).gap_seconds == longest_gap(operations)[0]


def test_a_gap_that_is_open_grows_with_the_time() -> None:
    tally = Tally(history(operation(Kind.ADD, 1 * SECOND, 2 * SECOND, INFO)))
    assert [tally.look(n * SECOND).gap_seconds for n in (2, 3)] == [1.0, 2.0]


def test_what_failed_before_the_baseline_is_no_gap() -> None:
    tally = Tally(history(operation(Kind.ADD, 1, SECOND, FAIL, phase=STEADY_STATE)))
    assert tally.look(2 * SECOND).gap_seconds == 0


def test_the_last_answer_about_the_instances_counts() -> None:
    made = history()
    tally = Tally(made)
    assert tally.look(1).states == {}
    made.append(answer({"instances": TWO}))
    assert tally.look(2).states == {"primary": "DOWN", "replica": "UP"}
    assert tally.look(3).states == {"primary": "DOWN", "replica": "UP"}
    made.append(answer({}, status=0))
    assert tally.look(4).states is None


def test_faults_are_active_from_their_injection_until_they_are_healed() -> None:
    made = history()
    tally = Tally(made)
    window = FaultWindow(index=0, fault="kill primary", target="primary", injected_ns=SECOND)
    made.append(window)
    assert tally.look(4 * SECOND).faults == ("kill primary for 3 s",)
    made.append(msgspec.structs.replace(window, healed_ns=5 * SECOND))
    assert tally.look(6 * SECOND).faults == ()


@pytest.mark.parametrize(
    ("body", "states"),
    [
        ("", {}),
        ("<html>", {}),
        ("[1]", {}),
        ('{"instances": 2}', {}),
        ('{"instances": [3, {"name": 4}, {"name": "a"}, {"name": "b", "state": 5}]}', {}),
        ('{"instances": [{"name": "a", "healthy": false}]}', {"a": "unhealthy"}),
        ('{"instances": [{"name": "a", "healthy": true, "state": "UP"}]}', {"a": "UP"}),
    ],
)
def test_states_are_read_from_whatever_a_load_balancer_answers(
    body: str, states: dict[str, str]
) -> None:
    assert states_in(body) == states
