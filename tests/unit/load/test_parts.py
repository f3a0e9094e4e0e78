import msgspec

from harness.load.parts import merged
from harness.model.history import STEADY_STATE, Milestone
from harness.model.observation import Repeat
from harness.model.operation import Operation
from tests.unit.checkers.histories import SECOND, history
from tests.unit.load.loads import answers, level, stopped


def test_parts_become_one_history_in_the_order_in_which_things_ended() -> None:
    master = history(level("1: 1 user", 0), level("2: 2 users", 1))
    one = history(*answers("", 0, 2, 100), stopped(2))
    other = history(*answers("", 0, 2, 300, user=2), stopped(3))
    records = list(merged([master, one, other]))
    operations = [each for each in records if isinstance(each, Operation)]
    assert [o.completed_ns // (SECOND // 10) for o in operations] == [1, 3, 6, 8]
    assert [o.process for o in operations] == ["user-0-1", "user-0-2"] * 2
    assert isinstance(records[0], Milestone)
    assert records[-1] == stopped(3)


def test_operations_of_workers_get_their_phase_from_the_master() -> None:
    master = history(level("1: 1 user", 0), level("2: 2 users", 1))
    worker = history(*answers(STEADY_STATE, 0, 1, 10), *answers(STEADY_STATE, 1, 1, 10))
    operations = [each for each in merged([master, worker]) if isinstance(each, Operation)]
    assert [o.phase for o in operations] == ["1: 1 user", "2: 2 users"]


def test_repeats_are_kept_and_nothing_else_is_changed() -> None:
    (first,) = answers("1: 1 user", 0, 1, 10)
    again = Repeat(
        repeats=first.name,
        process=first.process,
        transaction_id="t",
        invoked_ns=first.completed_ns + 1,
        completed_ns=first.completed_ns + 2,
        first_status=200,
    )
    worker = history(first)
    worker.append(again)
    kept = list(merged([history(level("1: 1 user", 0)), worker]))
    assert kept[1:] == [msgspec.structs.replace(first, phase="1: 1 user"), again]
