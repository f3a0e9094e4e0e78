"""Instances: what we believe of each Chroma server, and why. Who talks to them is elsewhere."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class State(StrEnum):
    """What an instance is believed to be able to do."""

    UP = "UP"
    """Takes writes and reads."""
    SUSPECT = "SUSPECT"
    """An error was seen; a probe is under way and it is avoided."""
    DOWN = "DOWN"
    """Probes fail, or an administrator says so: nothing new is sent."""
    CATCHING_UP = "CATCHING_UP"
    """Takes writes from the log, and reads of collections where it is not behind."""
    NEEDS_REBUILD = "NEEDS_REBUILD"
    """Away for so long that the log does not wait for it: it will get copies when it is back."""
    MISMATCHED = "MISMATCHED"
    """Its mark does not fit the log: nothing is sent there, or read, until that has changed."""


TRANSITIONS: dict[State, frozenset[State]] = {
    State.UP: frozenset({State.SUSPECT, State.DOWN, State.CATCHING_UP, State.MISMATCHED}),
    State.SUSPECT: frozenset(
        {State.DOWN, State.CATCHING_UP, State.NEEDS_REBUILD, State.MISMATCHED}
    ),
    State.DOWN: frozenset({State.CATCHING_UP, State.NEEDS_REBUILD, State.MISMATCHED}),
    State.CATCHING_UP: frozenset(
        {State.UP, State.SUSPECT, State.DOWN, State.NEEDS_REBUILD, State.MISMATCHED}
    ),
    State.NEEDS_REBUILD: frozenset({State.CATCHING_UP, State.MISMATCHED}),
    State.MISMATCHED: frozenset({State.DOWN}),
}
AWAY = frozenset({State.DOWN, State.NEEDS_REBUILD, State.MISMATCHED})
"""Nothing is sent there, and a failed probe is no news."""


@dataclass(frozen=True, slots=True)
class Forced:
    """A state that an administrator imposed until a time of the monotonic clock."""

    healthy: bool
    until: float


class Instance:
    """One Chroma server. `move_to` is the only place where its state changes."""

    def __init__(self, name: str, url: str, clock: Callable[[], float]) -> None:
        self.name = name
        self.url = url
        self.state = State.DOWN
        self.cause = "not probed yet"
        self.since = datetime.now(UTC)
        self.transitions = 0
        self.returns = 0
        """How often it may have been started again: what it could do before proves nothing."""
        self.forced: Forced | None = None
        self.outstanding_reads = 0
        self.successful_syncs = 0
        self.failed_syncs = 0
        self.sync_cycles = 0
        self.last_error = ""
        self.read_latency = Latency()
        self.write_latency = Latency()
        self._clock = clock
        self.write_error = ""
        """The 5xx that a write got; empty once a canary write has succeeded since."""
        self.canary_failed = False
        """A canary write was answered with a 5xx, and none has succeeded since."""
        self._write_failed_at = float("-inf")
        self._last_write = float("-inf")
        self._answers_probes = False
        self._last_answer = float("-inf")
        self.on_change: Callable[[Instance], None] = lambda _: None
        self.on_transition: Callable[[Instance, State], None] = lambda _, __: None
        """Is told of every change of state, with the state before; for those who only look on."""
        self.on_window: Callable[[int, float], None] = lambda _, __: None
        """Is told of each definite answer to a window: its entries, and the seconds it took."""
        self.on_replicated: Callable[[float], None] = lambda _: None
        """Is told how many seconds old an entry was when it was applied here."""
        self.on_suspicion: Callable[[], None] = lambda: None
        self.on_missing: Callable[[], None] = lambda: None
        """Is told when it does not know a collection that it should have."""
        self.on_write_failure: Callable[[], None] = lambda: None

    def __repr__(self) -> str:
        return f"<Instance {self.name} {self.state} ({self.cause})>"

    @property
    def is_serving(self) -> bool:
        """Whether it takes new requests."""
        return self.state in (State.UP, State.CATCHING_UP)

    @property
    def is_refused(self) -> bool:
        """Whether what it holds does not belong to the log."""
        return self.state is State.MISMATCHED

    @property
    def only_fails_writes(self) -> bool:
        """Whether nothing but failed writes keeps it from serving: reads may work."""
        fails = bool(self.write_error) and self._answers_probes
        return fails and not self._forced_down and not self.is_refused

    @property
    def seconds_since_write(self) -> float:
        """How long ago a write succeeded."""
        return self._clock() - self._last_write

    def note_write(self) -> None:
        """Note that a write succeeded."""
        self._last_write = self._clock()

    @property
    def seconds_since_answer(self) -> float:
        """How long ago it last answered anything."""
        return self._clock() - self._last_answer

    def move_to(self, state: State, cause: str) -> None:
        """Change the state and tell who listens."""
        if state is self.state:
            return
        assert state in TRANSITIONS[self.state], f"{self} cannot become {state}"
        self.returns += self.state in AWAY
        before = self.state
        self.state, self.cause, self.since = state, cause, datetime.now(UTC)
        self.transitions += 1
        self.on_transition(self, before)
        self.on_change(self)

    def note_connection_end(self) -> None:
        """Note that a connection to it was ended, not by us, as those of a killed server are.

        One that is killed and started again may be back before any probe has missed it.
        """
        self.returns += 1

    def note_answer(self) -> None:
        """Note that it answered a request, whatever the answer."""
        self._last_answer = self._clock()

    def note_read_done(self) -> None:
        """Note that a read of a client has ended, however it ended."""
        self.outstanding_reads -= 1

    def suspect(self, cause: str) -> None:
        """Avoid the instance until a probe tells more; called when a request to it broke."""
        self.last_error = cause
        if self.is_serving and not self._forced_healthy:
            self.move_to(State.SUSPECT, cause)
        self.on_suspicion()

    def fail_write(self, cause: str) -> None:
        """Avoid the instance until a canary write tells more; called when a write got a 5xx."""
        self.write_error, self._write_failed_at = cause, self._clock()
        self.on_write_failure()
        self.suspect(cause)

    def note_canary(self, error: str | None, began_at: float) -> None:
        """Take the answer to a canary write in; `error` is the 5xx that it got.

        It ends the instance's service whatever heartbeats say. A success counts only if it began
        after the last failure; then probes bring the instance back.
        """
        if error is not None:
            self.write_error, self.canary_failed = error, True
            self.last_error = cause = f"a canary write failed: {error}"
            if self.is_refused:
                return
            if self.state in AWAY:
                self.cause = cause
            elif not self._forced_healthy:
                self.move_to(State.DOWN, cause)
        elif began_at >= self._write_failed_at:
            self.canary_failed = False
            self.note_write()
            if self.write_error:
                self.write_error = ""
                self.on_suspicion()

    def doubt(self) -> None:
        """Have the instance probed: another one answered first."""
        self.on_suspicion()

    def note_probe(self, error: str | None, *, conclusive: bool) -> None:
        """Take a probe's result in; `error` is None when it answered.

        A failed probe of an instance that was well makes it suspect first, unless the failure is
        conclusive (the connection was refused, or it is the second in a row).
        """
        self._answers_probes = error is None
        if error is None:
            is_held = self._forced_down or self.is_refused or bool(self.write_error)
            if not self.is_serving and not is_held:
                self.move_to(State.CATCHING_UP, "it answers probes")
            return
        self.last_error = error
        if self._forced_healthy or self.state in AWAY:
            return
        if self.state is State.SUSPECT or conclusive:
            self.move_to(State.DOWN, error)
        else:
            self.move_to(State.SUSPECT, error)

    def note_caught_up(self) -> None:
        """Note that it has applied all that was logged when it came back."""
        if self.state is State.CATCHING_UP:
            self.move_to(State.UP, "caught up with the log")

    def note_incomplete(self, cause: str) -> None:
        """Note that it lacks collections that clients see, until it has got copies."""
        if self.state is State.UP:
            self.move_to(State.CATCHING_UP, cause)

    def note_abandoned(self, cause: str) -> None:
        """Note that the log does not wait for it any more."""
        if not self.is_serving and self.state not in (State.NEEDS_REBUILD, State.MISMATCHED):
            self.move_to(State.NEEDS_REBUILD, cause)

    def refuse(self, cause: str) -> None:
        """Use it for nothing: what it holds does not belong to the log."""
        if self.is_refused:
            self.cause = cause
        self.move_to(State.MISMATCHED, cause)

    def readmit(self) -> None:
        """End that; probes bring it back."""
        if self.is_refused:
            self.move_to(State.DOWN, "its mark fits the log again")

    def force(self, healthy: bool, duration_seconds: float) -> None:
        """Impose a state for a time; it ends by itself in `expire_force`."""
        self.forced = Forced(healthy, self._clock() + duration_seconds)
        cause = f"forced by an administrator for {duration_seconds:g} s"
        if not healthy and self.state not in AWAY:
            self.move_to(State.DOWN, cause)
        elif healthy and not self.is_serving and not self.is_refused:
            self.move_to(State.CATCHING_UP, cause)

    def expire_force(self) -> None:
        """End an imposed state whose time is over; probes decide again."""
        if self.forced is not None and self._clock() >= self.forced.until:
            self.forced = None

    @property
    def forced_seconds_left(self) -> float:
        """How long the imposed state still lasts; 0 without one."""
        return max(0.0, self.forced.until - self._clock()) if self.forced else 0.0

    @property
    def _forced_down(self) -> bool:
        return self.forced is not None and not self.forced.healthy

    @property
    def _forced_healthy(self) -> bool:
        return self.forced is not None and self.forced.healthy


class Latency:
    """A running estimate of how long an instance takes to answer, in seconds."""

    WEIGHT = 0.1
    FLOOR_SECONDS = 0.05

    def __init__(self) -> None:
        self.mean_seconds = 0.02

    def note(self, seconds: float) -> None:
        """Take one answer's duration in."""
        self.mean_seconds += self.WEIGHT * (seconds - self.mean_seconds)

    def hedge_seconds(self, longest_seconds: float) -> float:
        """How long to wait for an answer before another instance is asked as well."""
        return min(longest_seconds, max(self.FLOOR_SECONDS, 4 * self.mean_seconds))


class Fleet:
    """All instances, in configured order."""

    def __init__(self, urls: dict[str, str], clock: Callable[[], float]) -> None:
        self._instances = {name: Instance(name, url, clock) for name, url in urls.items()}

    def __iter__(self) -> Iterator[Instance]:
        return iter(self._instances.values())

    def __getitem__(self, name: str) -> Instance:
        return self._instances[name]

    def __contains__(self, name: object) -> bool:
        return name in self._instances

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in configured order."""
        return tuple(self._instances)

    @property
    def readable(self) -> list[Instance]:
        """The instances that take reads; where none serves, those that only fail writes."""
        serving = [instance for instance in self if instance.is_serving]
        return serving or [instance for instance in self if instance.only_fails_writes]

    @property
    def healthy(self) -> int:
        """How many instances take requests."""
        return sum(instance.is_serving for instance in self)
