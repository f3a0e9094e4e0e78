from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from lb.lanes import FOLLOW_SECONDS, Decision, Lane, Step, choose_window, decide, preferred_instance
from lb.merging import WindowLimits
from lb.model import Answer, Entry, Kind, Standing, Suspicion
from tests.unit.lb.stand_ins import LANE, OK, REFUSED, an_entry

A, B, C = "primary", "replica", "replica-2"
HEDGE_SECONDS = 0.25
NOW = 100.0


def a_lane(*entries: Entry, names: tuple[str, ...] = (A, B)) -> Lane:
    lane = Lane(LANE, names)
    for entry in entries:
        lane.append(entry)
    return lane


def next_step(lane: Lane, instance: str, able: str = "AB", now: float = 0.0) -> Decision:
    """Decide with the instances able that are named by their first letters."""
    names = {"A": A, "B": B, "C": C}
    willing = {names[letter] for letter in able}
    return decide(lane, instance, lambda name, _: name in willing, now, HEDGE_SECONDS)


def apply(lane: Lane, instance: str, entry: Entry, answer: Answer = OK) -> None:
    """Take an answer in, and commit the cursor."""
    lane.mark_applied(instance, entry)
    if entry.outcome is None:
        entry.outcome = answer
    if answer.is_success:
        lane.acknowledge(entry)
    lane.advance(instance, entry)


def test_an_empty_lane_is_idle() -> None:
    assert next_step(a_lane(), A) == Decision(Step.IDLE)


def test_an_instance_that_has_applied_everything_is_idle() -> None:
    entry = an_entry(1)
    lane = a_lane(entry)

    apply(lane, A, entry)

    assert next_step(lane, A) == Decision(Step.IDLE)


def test_the_first_configured_instance_leads() -> None:
    entry = an_entry(1)

    assert next_step(a_lane(entry), A) == Decision(Step.SEND, entry)


def test_the_others_wait_until_the_leader_has_sent() -> None:
    entry = an_entry(1)

    assert next_step(a_lane(entry), B) == Decision(Step.WAIT, entry)


def test_a_leader_that_does_not_answer_is_hedged_after_the_delay() -> None:
    entry = an_entry(1)
    lane = a_lane(entry)
    lane.busy.add(A)
    entry.first_sent_at = 10.0

    assert next_step(lane, B, now=10.2) == Decision(Step.HEDGE, entry, 10.25)
    assert next_step(lane, B, now=10.25).step is Step.SEND


def test_an_instance_never_gets_a_second_request_of_a_lane() -> None:
    entry = an_entry(1, outcome=OK)
    lane = a_lane(entry)
    lane.busy.add(A)

    assert next_step(lane, A) == Decision(Step.WAIT, entry)


def test_a_known_outcome_is_followed_at_once() -> None:
    entry = an_entry(1, outcome=OK)

    assert next_step(a_lane(entry), B) == Decision(Step.SEND, entry)


@pytest.mark.parametrize("able", ["AB", "A", ""])
def test_a_refused_entry_is_skipped_even_by_an_instance_that_is_away(able: str) -> None:
    entry = an_entry(1, outcome=REFUSED)

    assert next_step(a_lane(entry), B, able) == Decision(Step.SKIP, entry)


def test_a_refusal_with_an_effect_is_followed() -> None:
    marking = Answer(400, b'{"message":"Empty ID, ID must have at least')
    entry = an_entry(1, outcome=marking)

    assert next_step(a_lane(entry), B, "AB") == Decision(Step.SEND, entry)
    assert next_step(a_lane(entry), B, "A") == Decision(Step.WAIT, entry)


@pytest.mark.parametrize("outcome", [None, OK])
def test_an_instance_that_is_away_waits(outcome: Answer | None) -> None:
    entry = an_entry(1, outcome=outcome)

    assert next_step(a_lane(entry), A, "B") == Decision(Step.WAIT, entry)


def test_the_next_one_leads_at_once_when_the_first_is_away() -> None:
    entry = an_entry(1)
    entry.first_sent_at = 10.0

    assert next_step(a_lane(entry), B, "B", now=10.0) == Decision(Step.SEND, entry)


@pytest.mark.parametrize("outcome", [None, OK])
def test_after_a_failure_the_instance_is_asked_again_when_its_time_has_come(
    outcome: Answer | None,
) -> None:
    entry = an_entry(1, outcome=outcome)
    lane = a_lane(entry)
    lane.retry_at[A] = 5.0

    assert next_step(lane, A, now=4.9) == Decision(Step.HEDGE, entry, 5.0)
    assert next_step(lane, A, now=5.0) == Decision(Step.SEND, entry)


def test_a_committed_cursor_ends_the_pause_after_a_failure() -> None:
    first, second = an_entry(1), an_entry(2)
    lane = a_lane(first, second)
    lane.retry_at[A] = 5.0

    apply(lane, A, first)

    assert next_step(lane, A, now=0.0) == Decision(Step.SEND, second)


def test_the_instance_that_is_furthest_leads_whatever_its_rank() -> None:
    first, second = an_entry(1), an_entry(2)
    lane = a_lane(first, second)
    apply(lane, B, first)

    assert next_step(lane, B) == Decision(Step.SEND, second)
    assert next_step(lane, A) == Decision(Step.SEND, first)


def test_who_is_furthest_is_decided_by_answers_not_by_commits() -> None:
    lane = a_lane(an_entry(1))
    lane.applied[B] = 3
    lane.cursors[A] = 9

    assert preferred_instance(lane, [A, B]) == B


@pytest.mark.parametrize(
    ("applied", "able", "preferred"),
    [
        ((0, 0, 0), (A, B, C), A),
        ((0, 0, 0), (B, C), B),
        ((4, 5, 5), (A, B, C), B),
        ((4, 5, 6), (A, B), B),
        ((9, 5, 6), (B, C), C),
        ((9, 5, 6), (), None),
    ],
)
def test_the_furthest_able_instance_is_preferred_and_ties_go_by_rank(
    applied: tuple[int, int, int], able: tuple[str, ...], preferred: str | None
) -> None:
    lane = a_lane(names=(A, B, C))
    lane.applied = dict(zip((A, B, C), applied, strict=True))

    assert preferred_instance(lane, able) == preferred


def test_a_read_may_go_to_an_instance_that_has_all_that_was_acknowledged() -> None:
    first, second = an_entry(1), an_entry(2)
    lane = a_lane(first, second)
    assert lane.is_fresh(A)
    assert lane.is_fresh(B)

    apply(lane, A, first)
    assert lane.is_fresh(A)
    assert not lane.is_fresh(B)

    apply(lane, B, first)
    assert lane.is_fresh(B)


def test_a_write_without_an_outcome_makes_no_instance_stale() -> None:
    entry = an_entry(1)
    lane = a_lane(entry)

    lane.mark_sent(A, entry)

    assert lane.is_fresh(A)
    assert lane.is_fresh(B)


def test_what_a_read_may_have_seen_on_one_instance_binds_the_others() -> None:
    """The write has no outcome: without this rule a later read could miss what an earlier saw."""
    entry = an_entry(1)
    lane = a_lane(entry)
    lane.mark_sent(A, entry)

    lane.note_read(A)

    assert lane.is_fresh(A)
    assert not lane.is_fresh(B)
    lane.mark_applied(B, entry)
    assert lane.is_fresh(B)


def test_a_read_before_the_write_was_sent_binds_nobody() -> None:
    entry = an_entry(1)
    lane = a_lane(entry)

    lane.note_read(A)
    lane.mark_sent(A, entry)

    assert lane.is_fresh(B)


def test_a_refused_entry_makes_no_instance_stale() -> None:
    entry = an_entry(1)
    lane = a_lane(entry)

    apply(lane, A, entry, REFUSED)

    assert lane.is_fresh(B)


@pytest.mark.parametrize(
    ("kind", "listed"), [(Kind.ADD, True), (Kind.CREATE, False), (Kind.MODIFY, False)]
)
def test_a_listing_needs_only_what_changes_listings(kind: Kind, listed: bool) -> None:
    entry = an_entry(1, kind)
    lane = a_lane(entry)

    apply(lane, A, entry)

    assert lane.is_structure_fresh(B) is listed


def test_an_answer_counts_before_its_cursor_is_committed() -> None:
    entry = an_entry(1, outcome=OK)
    lane = a_lane(entry)
    lane.acknowledge(entry)

    lane.mark_applied(B, entry)

    assert lane.is_fresh(B)
    assert lane.cursors[B] == 0
    assert lane.next_entry(B) is entry


def test_positions_never_move_back() -> None:
    first, second = an_entry(1, Kind.CREATE), an_entry(2, Kind.CREATE)
    lane = a_lane(first, second)

    lane.mark_applied(A, second)
    lane.mark_applied(A, first)
    lane.acknowledge(second)
    lane.acknowledge(first)

    assert (lane.applied[A], lane.sent[A]) == (2, 2)
    assert (lane.acked, lane.structure_acked) == (2, 2)


def test_a_cursor_moves_in_order_only() -> None:
    first, second = an_entry(1), an_entry(2)
    lane = a_lane(first, second)

    with pytest.raises(AssertionError, match="in order"):
        lane.advance(A, second)


def test_an_entry_queues_only_where_it_is_not_applied() -> None:
    lane = Lane(LANE, (A, B))
    lane.applied[A] = 5
    entry = an_entry(5)

    lane.append(entry)

    assert lane.next_entry(A) is None
    assert lane.next_entry(B) is entry
    assert not lane.is_drained


def followed(kind: Kind = Kind.ADD, sent_at: float | None = NOW) -> tuple[Lane, Entry]:
    """Make a lane whose instance B has just been sent something, and lacks one more entry."""
    entry = an_entry(1, kind, OK)
    entry.first_sent_at = sent_at
    lane = a_lane(entry)
    lane.follow_at[B] = NOW + FOLLOW_SECONDS
    return lane, entry


def test_what_follows_so_soon_waits_a_moment_for_more() -> None:
    lane, entry = followed()

    assert next_step(lane, B, now=NOW).step is Step.HEDGE
    assert next_step(lane, B, now=NOW).at == NOW + FOLLOW_SECONDS
    assert next_step(lane, B, now=NOW + FOLLOW_SECONDS).step is Step.SEND
    del lane.follow_at[B]
    assert next_step(lane, B, now=NOW).step is Step.SEND, "the first one does not wait"
    assert entry.outcome is not None


def test_what_follows_does_not_wait_when_nobody_else_could_answer_what_comes_after_it() -> None:
    lane, entry = followed()

    assert next_step(lane, B, "B", now=NOW) == Decision(Step.SEND, entry)


@pytest.mark.parametrize(
    ("kind", "sent_at"),
    [(Kind.ADD, NOW - FOLLOW_SECONDS), (Kind.ADD, None), (Kind.MODIFY, NOW), (Kind.DROP, NOW)],
)
def test_a_backlog_and_what_changes_the_collection_follow_at_once(
    kind: Kind, sent_at: float | None
) -> None:
    lane, _ = followed(kind, sent_at)

    assert next_step(lane, B, now=NOW).step is Step.SEND


def window(lane: Lane, most_entries: int = 10, most_bytes: int = 1000) -> list[int]:
    limits = WindowLimits(most_entries, 1000, most_bytes)
    return [entry.position for entry in choose_window(lane, B, limits, NOW)]


def test_what_succeeded_elsewhere_may_travel_together() -> None:
    lane = a_lane(*(an_entry(position, outcome=OK) for position in (1, 2, 3)))

    assert window(lane) == [1, 2, 3]


@pytest.mark.parametrize(
    "odd",
    [
        an_entry(2),
        an_entry(2, outcome=REFUSED),
        an_entry(2, Kind.UPSERT, OK),
        an_entry(2, Kind.MODIFY, OK),
    ],
)
def test_a_window_ends_at_what_did_not_succeed_or_is_of_another_kind(odd: Entry) -> None:
    lane = a_lane(an_entry(1, outcome=OK), odd, an_entry(3, outcome=OK))

    assert window(lane) == [1]


def test_what_has_no_outcome_yet_travels_together_and_not_with_what_has() -> None:
    lane = a_lane(an_entry(1), an_entry(2), an_entry(3, outcome=OK))

    assert window(lane) == [1, 2]


def cleared(position: int) -> Entry:
    entry = an_entry(position)
    entry.suspicion = Suspicion((), Standing.CLEARED, entry.logged_at)
    return entry


def implicated(position: int) -> Entry:
    entry = an_entry(position)
    entry.implicated_until = NOW + 1
    return entry


@pytest.mark.parametrize("suspect", [cleared, implicated])
def test_what_may_have_broken_an_instance_travels_alone(suspect: Callable[[int], Entry]) -> None:
    assert window(a_lane(an_entry(1), suspect(2), an_entry(3))) == [1]
    assert window(a_lane(suspect(1), an_entry(2))) == [1]


def test_what_was_refused_together_travels_alone_there() -> None:
    lane = a_lane(*(an_entry(position) for position in (1, 2, 3, 4)))
    lane.singly_until[B] = 2

    assert window(lane) == [1]
    lane.singly_until[B] = 0
    assert window(lane) == [1, 2, 3, 4]


@pytest.mark.parametrize("kind", [Kind.CREATE, Kind.MODIFY, Kind.DROP])
def test_what_changes_the_collection_travels_alone(kind: Kind) -> None:
    assert window(a_lane(an_entry(1, kind, OK), an_entry(2, kind, OK))) == [1]


def test_a_window_is_bounded_in_entries_and_bytes_but_never_empty() -> None:
    lane = a_lane(*(an_entry(position, outcome=OK) for position in (1, 2, 3)))

    assert window(lane, most_entries=2) == [1, 2]
    assert window(lane, most_bytes=5) == [1, 2]
    assert window(lane, most_bytes=1) == [1]


def test_an_instance_that_has_left_is_asked_nothing_and_holds_nothing_up() -> None:
    first, second = an_entry(1), an_entry(2)
    lane = a_lane(first, second)

    lane.leave(A)
    apply(lane, B, first)

    assert lane.members == (B,)
    assert not lane.is_fresh(A)
    assert not lane.is_structure_fresh(A)
    assert next_step(lane, A) == Decision(Step.IDLE)
    assert next_step(lane, B) == Decision(Step.SEND, second)
    lane.note_read(A)
    apply(lane, B, second)
    assert lane.is_drained


def test_what_was_seen_on_an_instance_that_left_is_not_unseen_again() -> None:
    entry = an_entry(1)
    lane = a_lane(entry)
    lane.mark_sent(A, entry)
    lane.note_read(A)

    lane.leave(A)

    assert not lane.is_fresh(B)
    apply(lane, B, entry)
    assert lane.is_fresh(B)


def test_what_is_quarantined_is_not_waited_for_when_the_instance_that_failed_it_leaves() -> None:
    applied, held = an_entry(1), an_entry(2)
    lane = a_lane(applied, held)
    for name in (A, B):
        apply(lane, name, applied)
    lane.mark_sent(A, held)
    held.suspicion = Suspicion((), Standing.QUARANTINED, datetime.now(UTC))

    lane.leave(A)

    assert lane.is_fresh(B)
    assert lane.is_structure_fresh(B)


def test_the_last_member_cannot_leave() -> None:
    lane = a_lane()
    lane.leave(A)

    with pytest.raises(AssertionError):
        lane.leave(B)


def test_who_joins_is_where_the_other_is_and_lacks_what_it_lacks() -> None:
    first, second, third = an_entry(1), an_entry(2), an_entry(3)
    lane = a_lane(first, second, names=(A, B))
    lane.leave(B)
    apply(lane, A, first)

    lane.join(B, A)
    lane.append(third)

    assert (lane.cursors[B], lane.applied[B], lane.sent[B]) == (1, 1, 1)
    assert list(lane.queues[B]) == [second, third]
    assert lane.is_fresh(B)


def test_nobody_joins_like_one_that_is_in_doubt() -> None:
    entry = an_entry(1)
    lane = a_lane(entry)
    lane.leave(B)
    lane.mark_sent(A, entry)

    with pytest.raises(AssertionError):
        lane.join(B, A)


def test_a_held_instance_is_sent_nothing_and_leads_nobody() -> None:
    entry = an_entry(1)
    lane = a_lane(entry)

    lane.held.add(A)

    assert next_step(lane, A) == Decision(Step.WAIT, entry)
    assert next_step(lane, B) == Decision(Step.SEND, entry)


def test_what_is_logged_while_a_copy_is_made_is_noted_for_it() -> None:
    lane = a_lane()
    lane.leave(B)
    lane.copying[B] = deque()
    entry = an_entry(1)

    lane.append(entry)

    assert list(lane.copying[B]) == [entry]
