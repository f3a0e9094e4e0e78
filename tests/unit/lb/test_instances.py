import pytest

from lb.errors import InstanceUnreachableError, NobodyListensError
from lb.health import HealthMonitor
from lb.instances import AWAY, TRANSITIONS, Fleet, Instance, Latency, State
from tests.unit.lb.stand_ins import a_fleet, bring_to


async def no_canary() -> None:
    """In place of a canary write that proves nothing."""


class HandClock:
    """In place of the monotonic clock."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def instance(clock: HandClock) -> Instance:
    return Instance("primary", "http://primary", clock)


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_a_state_changes_only_as_the_table_allows(
    instance: Instance, before: State, after: State
) -> None:
    instance.state = before

    if after is before or after in TRANSITIONS[before]:
        instance.move_to(after, "cause")
        assert instance.state is after
    else:
        with pytest.raises(AssertionError, match="cannot become"):
            instance.move_to(after, "cause")
        assert instance.state is before


def test_only_a_real_change_is_told_and_counted(instance: Instance) -> None:
    told: list[State] = []
    instance.on_change = lambda changed: told.append(changed.state)

    instance.move_to(State.DOWN, "again")
    instance.move_to(State.CATCHING_UP, "it answers")

    assert told == [State.CATCHING_UP]
    assert (instance.transitions, instance.cause) == (1, "it answers")


@pytest.mark.parametrize(
    ("state", "serving"),
    [
        (State.UP, True),
        (State.CATCHING_UP, True),
        (State.SUSPECT, False),
        (State.DOWN, False),
    ],
)
def test_requests_go_to_instances_that_are_well_or_catching_up(
    instance: Instance, state: State, serving: bool
) -> None:
    bring_to(instance, state)

    assert instance.is_serving is serving


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (State.UP, State.SUSPECT),
        (State.CATCHING_UP, State.SUSPECT),
        (State.SUSPECT, State.SUSPECT),
        (State.DOWN, State.DOWN),
    ],
)
def test_a_broken_request_makes_a_serving_instance_suspect_and_asks_for_a_probe(
    instance: Instance, before: State, after: State
) -> None:
    bring_to(instance, before)
    probes: list[None] = []
    instance.on_suspicion = lambda: probes.append(None)

    instance.suspect("connection reset")

    assert instance.state is after
    assert instance.last_error == "connection reset"
    assert len(probes) == 1


def test_a_doubt_asks_for_a_probe_without_avoiding_the_instance(instance: Instance) -> None:
    bring_to(instance, State.UP)
    probes: list[None] = []
    instance.on_suspicion = lambda: probes.append(None)

    instance.doubt()

    assert instance.state is State.UP
    assert len(probes) == 1


@pytest.mark.parametrize(
    ("before", "conclusive", "after"),
    [
        (State.UP, False, State.SUSPECT),
        (State.UP, True, State.DOWN),
        (State.CATCHING_UP, False, State.SUSPECT),
        (State.CATCHING_UP, True, State.DOWN),
        (State.SUSPECT, False, State.DOWN),
        (State.SUSPECT, True, State.DOWN),
        (State.DOWN, False, State.DOWN),
        (State.DOWN, True, State.DOWN),
    ],
)
def test_one_failed_probe_makes_suspect_and_two_or_a_conclusive_one_make_down(
    instance: Instance, before: State, conclusive: bool, after: State
) -> None:
    bring_to(instance, before)

    instance.note_probe("no answer", conclusive=conclusive)

    assert instance.state is after
    assert instance.last_error == "no answer"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (State.UP, State.UP),
        (State.CATCHING_UP, State.CATCHING_UP),
        (State.SUSPECT, State.CATCHING_UP),
        (State.DOWN, State.CATCHING_UP),
        (State.NEEDS_REBUILD, State.CATCHING_UP),
    ],
)
def test_an_answered_probe_brings_an_instance_back_by_way_of_catching_up(
    instance: Instance, before: State, after: State
) -> None:
    bring_to(instance, before)

    instance.note_probe(None, conclusive=False)

    assert instance.state is after


@pytest.mark.parametrize("state", State)
def test_only_an_instance_that_catches_up_can_have_caught_up(
    instance: Instance, state: State
) -> None:
    bring_to(instance, state)

    instance.note_caught_up()

    assert instance.state is (State.UP if state is State.CATCHING_UP else state)


@pytest.mark.parametrize("before", [state for state in State if state is not State.MISMATCHED])
def test_a_forced_failure_holds_against_probes_and_ends_by_itself(
    instance: Instance, clock: HandClock, before: State
) -> None:
    bring_to(instance, before)

    instance.force(healthy=False, duration_seconds=60)
    clock.now += 59.9
    instance.expire_force()
    instance.note_probe(None, conclusive=False)
    assert instance.state is (before if before in AWAY else State.DOWN)
    assert instance.forced_seconds_left == pytest.approx(0.1)

    clock.now += 0.1
    instance.expire_force()
    assert instance.forced_seconds_left == 0
    instance.note_probe(None, conclusive=False)
    assert instance.state is State.CATCHING_UP


@pytest.mark.parametrize("before", [state for state in State if state is not State.MISMATCHED])
def test_a_forced_health_holds_against_failures_and_ends_by_itself(
    instance: Instance, clock: HandClock, before: State
) -> None:
    bring_to(instance, before)

    instance.force(healthy=True, duration_seconds=60)
    instance.note_probe("refused", conclusive=True)
    instance.suspect("reset")
    assert instance.is_serving
    assert instance.last_error == "reset"

    clock.now += 60
    instance.expire_force()
    instance.note_probe("refused", conclusive=True)
    assert instance.state is State.DOWN


def test_the_last_forced_state_counts(instance: Instance, clock: HandClock) -> None:
    bring_to(instance, State.UP)

    instance.force(healthy=False, duration_seconds=60)
    instance.force(healthy=True, duration_seconds=5)
    assert instance.is_serving

    clock.now += 5
    instance.expire_force()
    assert instance.forced is None


def test_an_instance_that_never_answered_is_not_proven_alive(
    instance: Instance, clock: HandClock
) -> None:
    assert instance.seconds_since_answer == float("inf")

    instance.note_answer()
    clock.now += 2.5

    assert instance.seconds_since_answer == 2.5


def test_a_hedge_waits_neither_too_short_nor_too_long() -> None:
    latency = Latency()

    latency.note(0.0)
    assert latency.hedge_seconds(0.5) == pytest.approx(0.072)
    for _ in range(100):
        latency.note(0.0)
    assert latency.hedge_seconds(0.5) == Latency.FLOOR_SECONDS
    for _ in range(100):
        latency.note(60.0)
    assert latency.hedge_seconds(0.5) == 0.5
    assert latency.hedge_seconds(0.01) == 0.01


def test_a_latency_follows_what_it_is_told_and_forgets_one_slow_answer() -> None:
    latency = Latency()

    latency.note(1.0)
    slow = latency.mean_seconds
    for _ in range(60):
        latency.note(0.01)

    assert slow == pytest.approx(0.118)
    assert latency.mean_seconds == pytest.approx(0.01, abs=0.001)


def test_a_fleet_keeps_the_configured_order_and_counts_who_takes_requests() -> None:
    fleet = Fleet({"primary": "http://a", "replica": "http://b"}, lambda: 0.0)
    assert fleet.names == ("primary", "replica")
    assert [instance.name for instance in fleet] == ["primary", "replica"]
    assert fleet.healthy == 0

    bring_to(fleet["replica"], State.CATCHING_UP)

    assert fleet.healthy == 1
    assert "replica" in fleet
    assert "other" not in fleet


class StandInProbes:
    """In place of an upstream: every probe is answered, or every one fails."""

    def __init__(self, instance: Instance, error: Exception | None = None) -> None:
        self.instance = instance
        self._error = error

    async def probe(self, timeout_seconds: float) -> None:
        if self._error is not None:
            raise self._error
        self.instance.note_answer()


@pytest.mark.parametrize("is_forced", [False, True])
async def test_an_instance_is_up_only_when_it_has_all_that_was_logged_when_it_came_back(
    is_forced: bool,
) -> None:
    fleet = a_fleet("primary", state=State.DOWN)
    instance = fleet["primary"]
    applied = 3
    monitor = HealthMonitor(
        StandInProbes(instance),
        interval_seconds=1,
        timeout_seconds=1,
        log_end=lambda: 9,
        is_behind=lambda _, position: applied < position,
        before_service=no_canary,
    )
    if is_forced:
        instance.force(healthy=True, duration_seconds=60)

    await monitor.check()
    assert instance.state is State.CATCHING_UP

    applied = 9
    await monitor.check()
    assert instance.state is State.UP


@pytest.mark.parametrize(
    ("error", "after"),
    [
        (NobodyListensError("primary", "connection refused"), State.DOWN),
        (InstanceUnreachableError("primary", "the connection was closed"), State.SUSPECT),
        (TimeoutError(), State.SUSPECT),
    ],
)
async def test_only_a_connection_that_is_refused_is_proof_at_once(
    error: Exception, after: State
) -> None:
    fleet = a_fleet("primary", state=State.UP)
    monitor = HealthMonitor(
        StandInProbes(fleet["primary"], error),
        interval_seconds=1,
        timeout_seconds=1,
        log_end=lambda: 0,
        is_behind=lambda _name, _position: False,
        before_service=no_canary,
    )

    await monitor.check()

    assert fleet["primary"].state is after


def test_an_instance_that_failed_a_write_serves_only_after_a_canary_write() -> None:
    clock = HandClock()
    instance = Instance("primary", "http://primary", clock)
    bring_to(instance, State.UP)

    instance.fail_write("HTTP 500")
    assert instance.state is State.SUSPECT
    instance.note_probe(None, conclusive=False)
    assert instance.state is State.SUSPECT
    instance.note_canary(None, began_at=clock.now - 1)
    assert instance.write_error
    instance.note_canary("HTTP 500", began_at=clock.now)
    instance.note_probe(None, conclusive=False)
    assert (instance.state, instance.only_fails_writes) == (State.DOWN, True)

    clock.now += 1
    instance.note_canary(None, began_at=clock.now)
    instance.note_probe(None, conclusive=False)
    assert (instance.state, instance.only_fails_writes) == (State.CATCHING_UP, False)


def test_reads_go_to_instances_that_only_fail_writes_when_no_other_serves() -> None:
    fleet = a_fleet("primary", "replica")
    primary, replica = fleet
    for instance in fleet:
        instance.note_probe(None, conclusive=False)
    primary.note_canary("HTTP 500", began_at=0.0)
    assert fleet.readable == [replica]

    replica.note_canary("HTTP 500", began_at=0.0)
    assert fleet.readable == [primary, replica]

    primary.note_probe("connection refused", conclusive=True)
    assert fleet.readable == [replica]


def test_an_instance_that_needs_a_rebuild_may_fail_canary_writes_for_as_long_as_it_likes() -> None:
    """Its canaries go on while it is away, and a task that dies ends the load balancer."""
    instance = Instance("primary", "http://primary", HandClock())
    instance.note_canary("disk is full", began_at=0.0)
    instance.note_abandoned("it was away for too long")

    instance.note_canary("disk is full", began_at=0.0)

    assert instance.state is State.NEEDS_REBUILD
    assert "disk is full" in instance.cause


@pytest.mark.parametrize("away", sorted(AWAY))
async def test_an_instance_that_was_away_serves_only_after_a_canary_write(away: State) -> None:
    fleet = a_fleet("primary", state=away)
    instance = fleet["primary"]

    async def failing_canary() -> None:
        instance.note_canary("HTTP 500", began_at=0.0)

    monitor = HealthMonitor(
        StandInProbes(instance),
        interval_seconds=1,
        timeout_seconds=1,
        log_end=lambda: 0,
        is_behind=lambda _name, _position: False,
        before_service=failing_canary,
    )

    await monitor.check()

    assert instance.state is away


@pytest.mark.parametrize("before", State)
def test_nothing_but_a_mark_that_fits_ends_a_refusal(
    instance: Instance, clock: HandClock, before: State
) -> None:
    bring_to(instance, before)

    instance.refuse("the log was set back")
    instance.force(healthy=True, duration_seconds=1)
    instance.note_probe(None, conclusive=False)
    instance.note_abandoned("the log kept 3 entries, more than 2")
    instance.note_caught_up()
    instance.note_canary("HTTP 500", clock.now)
    assert (instance.state, instance.cause) == (State.MISMATCHED, "the log was set back")
    assert not instance.is_serving
    assert not instance.only_fails_writes
    clock.now += 2
    instance.expire_force()
    instance.note_canary(None, clock.now)
    assert instance.state is State.MISMATCHED

    instance.readmit()
    assert instance.state is State.DOWN
    instance.note_probe(None, conclusive=False)
    assert instance.state is State.CATCHING_UP
