from lb.instances import State
from lb.transitions import KEPT, Transitions
from tests.unit.lb.stand_ins import a_fleet


def test_a_transition_says_from_where_to_where_and_why() -> None:
    fleet = a_fleet("primary", "replica")
    transitions = Transitions(fleet)

    fleet["replica"].move_to(State.SUSPECT, "it is slow")
    fleet["replica"].move_to(State.DOWN, "it is gone")

    newest, older = transitions.describe()
    assert (older["number"], older["from"], older["to"]) == (1, "UP", "SUSPECT")
    assert (newest["number"], newest["from"], newest["to"]) == (2, "SUSPECT", "DOWN")
    assert (newest["instance"], newest["cause"]) == ("replica", "it is gone")
    assert newest["at"] == fleet["replica"].since.isoformat(timespec="milliseconds")


def test_only_the_last_are_kept_over_all_instances() -> None:
    fleet = a_fleet("primary", "replica")
    transitions = Transitions(fleet)
    for _ in range(KEPT):
        for instance in fleet:
            instance.move_to(State.CATCHING_UP, "test")
            instance.move_to(State.UP, "test")

    described = transitions.describe()

    assert len(described) == KEPT
    assert [each["number"] for each in described] == list(range(4 * KEPT, 3 * KEPT, -1))


def test_a_listener_hears_of_each_at_once_and_no_other_listener_is_displaced() -> None:
    fleet = a_fleet("primary")
    acted: list[State] = []
    fleet["primary"].on_change = lambda instance: acted.append(instance.state)
    transitions = Transitions(fleet)
    heard: list[int] = []
    transitions.on_transition = lambda: heard.append(len(transitions.describe()))

    fleet["primary"].move_to(State.DOWN, "test")
    fleet["primary"].move_to(State.DOWN, "no change")

    assert heard == [1]
    assert acted == [State.DOWN]
