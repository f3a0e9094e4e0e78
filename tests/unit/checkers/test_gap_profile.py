import msgspec
import pytest

from harness.checkers.gap_profile import gap_points, gap_profile
from harness.model.fault_window import FaultWindow
from harness.model.gap import GapPoint, GapProfile, GapRow
from harness.model.history import STEADY_STATE
from harness.model.observation import Repeat
from harness.model.operation import Completion, Kind, Operation
from tests.unit.checkers.histories import SECOND, history, operation

OK, FAIL, INFO = Completion
INJECTED, HEALED = 100.0, 140.0


def at(
    offset: float,
    latency: float = 0.01,
    completion: Completion = OK,
    *,
    kind: Kind = Kind.ADD,
    file: str = "",
    held_up: float = 0.0,
    phase: str = "kill",
) -> Operation:
    """An operation so many seconds after the injection; its client sent it `held_up` later."""
    intended = round((INJECTED + offset) * SECOND)
    return operation(
        kind,
        intended + round(held_up * SECOND),
        intended + round((held_up + latency) * SECOND),
        completion,
        intended=intended,
        file=file,
        phase=phase,
    )


def read(offset: float, latency: float = 0.01, completion: Completion = OK) -> Operation:
    return at(offset, latency, completion, kind=Kind.GET)


def window(
    injected: float = INJECTED, healed: float = HEALED, index: int = 0, fault: str = "kill primary"
) -> FaultWindow:
    return FaultWindow(
        index=index,
        fault=fault,
        target="primary",
        injected_ns=round(injected * SECOND),
        healed_ns=round(healed * SECOND),
    )


def profile_of(*records: Operation | Repeat) -> GapProfile:
    made = gap_profile(history(window(), *records))
    assert made is not None
    return made


def row_of(profile: GapProfile, kind: str) -> GapRow:
    return next(row for row in profile.rows if row.kind == kind)


def test_quick_successes_leave_no_gap() -> None:
    profile = profile_of(at(-5), at(1), read(2))
    assert profile.whole.felt.operations == 2
    assert profile.whole.felt.failed == 0
    assert profile.whole.gap_seconds == 0.0
    assert profile.reads.after_seconds == profile.writes.after_seconds == 0.0


@pytest.mark.parametrize("completion", [FAIL, INFO])
def test_a_gap_ends_with_the_last_operation_that_failed(completion: Completion) -> None:
    profile = profile_of(at(3, 0.25, completion), at(20, 0.5, completion), at(21))
    assert profile.whole.felt.failed == 2
    assert profile.whole.gap_seconds == 20.5


def test_a_gap_ends_with_the_last_operation_that_took_longer_than_its_limit() -> None:
    assert profile_of(at(3, 1.5), at(20, 1.0)).whole.gap_seconds == 4.5


def test_what_a_client_could_not_send_in_time_is_as_late_as_it_is_for_its_user() -> None:
    profile = profile_of(at(3, 0.01, held_up=6.0))
    assert profile.whole.felt.max_ms == pytest.approx(6010)
    assert profile.whole.gap_seconds == pytest.approx(9.01)
    assert list(profile.rows[0].by_offset) == ["2 s"]


def test_an_operation_that_was_under_way_at_the_injection_belongs_to_the_gap() -> None:
    profile = profile_of(at(-0.5, 2.0, INFO), at(-5, 4.0, FAIL))
    assert profile.whole.felt.operations == 1
    assert profile.whole.gap_seconds == 1.5
    assert list(profile.rows[0].by_offset) == ["in flight"]


def test_what_begins_after_the_healing_is_told_apart() -> None:
    profile = profile_of(at(1), at(40, 0.1, FAIL), at(41))
    assert (profile.healed.operations, profile.healed.failed) == (2, 1)
    assert (profile.whole.felt.operations, profile.whole.felt.failed) == (1, 0)
    assert profile.whole.gap_seconds == 0.0
    assert profile.rows[0].by_offset["healed"].failed == 1


def test_a_gap_that_outlasts_the_failure_ends_when_the_operation_does() -> None:
    assert profile_of(at(39, 10.0, INFO)).whole.gap_seconds == 49.0


def test_what_takes_long_only_after_the_healing_was_not_hurt_by_the_failure() -> None:
    assert profile_of(at(39.9, 3.0), at(30)).whole.gap_seconds == 0.0
    assert profile_of(at(39.9, 3.0), at(30)).writes.after_seconds == 0.0
    assert profile_of(at(38.0, 3.0), at(30)).whole.gap_seconds == 41.0
    assert profile_of(at(39.9, 3.0, FAIL), at(30)).whole.gap_seconds == pytest.approx(42.9)


def test_spans_begin_at_their_edges() -> None:
    offsets = (0.0, 0.099, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 39.9)
    counted = {
        span: felt.operations
        for span, felt in profile_of(*(at(o) for o in offsets)).rows[0].by_offset.items()
    }
    assert counted == {
        "0 s": 2, "0.1 s": 1, "0.25 s": 1, "0.5 s": 1, "1 s": 1, "2 s": 1, "5 s": 1, "10 s": 1,
        "20 s": 1, "30 s": 2,
    }  # fmt: skip


def test_each_kind_of_operation_has_its_own_failures_latencies_and_gap() -> None:
    profile = profile_of(
        at(1, 0.5, FAIL),
        at(2, 0.1),
        at(3, 0.1, INFO, kind=Kind.DELETE, file="f"),
        read(4, 0.2),
        read(30, 0.4),
    )
    assert [row.kind for row in profile.rows] == ["add-by-ids", "delete-by-where", "get-by-ids"]
    adds, deletes, reads = profile.rows
    assert (adds.felt.operations, adds.felt.failed, adds.gap_seconds) == (2, 1, 1.5)
    assert (deletes.felt.failed, deletes.gap_seconds) == (1, 3.1)
    assert (reads.felt.failed, reads.gap_seconds) == (0, 0.0)
    assert (reads.felt.p50_ms, reads.felt.max_ms) == (200.0, 400.0)
    assert (profile.whole.felt.operations, profile.whole.felt.failed) == (5, 2)
    assert profile.whole.by_offset["2 s"].operations == 3
    assert {span: felt.max_ms for span, felt in reads.by_offset.items()} == {
        "2 s": 200.0,
        "30 s": 400.0,
    }


def test_how_operations_failed_is_counted() -> None:
    def failed(status: int = 0, error: str = "") -> Operation:
        return msgspec.structs.replace(at(1, 0.1, INFO), http_status=status, error=error)

    profile = profile_of(
        failed(503), failed(503), failed(error="ReadTimeout('')"), failed(error="no whole answer")
    )
    assert profile.rows[0].failures == {"status 503": 2, "ReadTimeout": 1, "no whole answer": 1}


def test_normal_is_twice_what_nearly_all_of_the_baseline_took() -> None:
    baseline = [at(-50 + n / 10, 0.4) for n in range(99)] + [at(-30, 3.0)]
    writes = profile_of(*baseline, at(1, 0.79), at(2)).writes
    assert writes.limit_seconds == pytest.approx(0.8)
    assert writes.baseline_p99_ms == pytest.approx(400)
    assert writes.after_seconds == 0.0


def test_normal_is_half_a_second_where_the_baseline_was_quicker() -> None:
    assert profile_of(at(-5), at(1, 0.49)).writes.after_seconds == 0.0
    assert profile_of(at(-5), at(1, 0.51), at(2)).writes.after_seconds == 2.0


def test_all_is_normal_again_from_the_first_operation_after_the_last_strange_one() -> None:
    profile = profile_of(at(1, 0.1, FAIL), at(2), at(3, 0.1, FAIL), read(3.5), at(4), at(5))
    assert profile.writes.after_seconds == 4.0
    assert profile.reads.after_seconds == 0.0


def test_what_was_never_normal_before_the_healing_is_said_to_be_so() -> None:
    assert profile_of(at(1), at(39, 0.1, FAIL), at(41)).writes.after_seconds is None


def test_what_was_under_way_at_the_healing_is_no_proof_that_all_was_normal() -> None:
    assert profile_of(at(38, 2.05), at(39.9, 2.05)).writes.after_seconds is None
    assert profile_of(at(38, 2.05), at(39.9, 0.05)).writes.after_seconds == 39.9


def test_without_a_baseline_the_least_limit_counts() -> None:
    reads = profile_of(read(1)).reads
    assert (reads.baseline_p99_ms, reads.limit_seconds) == (None, 0.5)


def test_operations_of_the_steady_state_are_no_baseline() -> None:
    assert profile_of(at(-5, 3, phase=STEADY_STATE), at(1)).writes.baseline_p99_ms is None


def test_how_late_a_free_client_sent_is_the_doing_of_the_machine() -> None:
    assert profile_of(at(1, held_up=0.2), at(2)).sent_late_ms == pytest.approx(200)
    assert profile_of(at(-5, held_up=0.3), at(1)).sent_late_ms == 0


def test_a_client_that_waited_for_an_answer_was_not_free_to_send() -> None:
    repeat = Repeat(
        repeats="client-1#1",
        process="client-1",
        transaction_id="",
        invoked_ns=round(104 * SECOND),
        completed_ns=round(105 * SECOND),
        first_status=201,
    )
    after_both = at(1.5, held_up=3.5)
    assert profile_of(at(1, 3.0), repeat, after_both).sent_late_ms == pytest.approx(0)
    assert profile_of(at(1, 3.0), after_both).sent_late_ms == pytest.approx(1000)


def test_faults_that_come_and_go_are_one_failure() -> None:
    flaps = [window(100 + n * 3, 101 + n * 3, n) for n in range(3)]
    profile = gap_profile(history(*flaps, at(6.5, 0.2, FAIL), at(7.5)))
    assert profile is not None
    assert profile.faults == ("kill primary",)
    assert profile.lasted_seconds == 7.0
    assert profile.whole.gap_seconds == 6.7
    assert profile.healed.operations == 1


@pytest.mark.parametrize("records", [(), (window(injected=0),), (window(healed=0),), (window(),)])
def test_without_a_failure_or_an_operation_in_it_there_is_no_profile(
    records: tuple[FaultWindow, ...],
) -> None:
    assert gap_profile(history(*records, at(-90))) is None


def test_points_are_all_operations_with_their_offsets() -> None:
    made = history(window(), at(-1, 0.5), read(2, 0.25, INFO), at(-9, phase=STEADY_STATE))
    assert gap_points(made) == (
        GapPoint(-1.0, 0.5, is_write=True, is_failed=False),
        GapPoint(2.0, 0.25, is_write=False, is_failed=True),
    )
    assert gap_points(history(at(1))) == ()
