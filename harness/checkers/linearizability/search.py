"""Owns the search for one order of the calls of one partition that the model and time allow.

The algorithm is Wing and Gong's (*Testing and Verifying Concurrent Objects*, 1993) with Lowe's
memory of configurations (*Testing for linearizability*, 2017), on a linked list of invocations and
returns as in Porcupine. Two things are added, each proven below: configurations that used more
calls in doubt than a known one are not visited, and a read that is legal is no choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic

from harness.checkers.linearizability.model import (
    UNKNOWN,
    Call,
    InputT,
    Model,
    OutputT,
    StateT,
)

_HEAD = 0


class Answer(Enum):
    """What became of a slice of a search."""

    LINEARIZABLE = auto()
    ILLEGAL = auto()
    UNDECIDED = auto()


@dataclass(frozen=True, slots=True)
class _Configuration(Generic[StateT]):
    """Which calls have taken effect, and the state then.

    Of the calls that returned, in order of invocation, the first `low` all have, and those after
    them by the bits of `window`: narrow, for it spans only calls that overlap. `doubts` are bits
    for the calls in doubt that have.
    """

    low: int
    window: int
    doubts: int
    state: StateT


@dataclass(frozen=True, slots=True)
class _Choice(Generic[StateT]):
    """A step of the search that can be taken back: the entry, and the configuration before it.

    `entry` is that of an invocation, or `-1 - n` for the n-th call in doubt.
    """

    entry: int
    before: _Configuration[StateT]
    is_forced: bool


@dataclass(frozen=True)
class Counterexample(Generic[StateT, InputT, OutputT]):
    """The longest order found: its calls, the state after them, and which could not come next."""

    prefix: tuple[Call[InputT, OutputT], ...]
    state: StateT
    stuck: tuple[Call[InputT, OutputT], ...]
    later: int


class Search(Generic[StateT, InputT, OutputT]):
    """A search that can be interrupted: `advance` until it has an answer.

    The list holds the invocations and returns of the calls that returned and have not taken effect
    yet. A call may be next if its invocation is before the first return in the list.

    Why fewer doubts are enough: every continuation of a configuration is one of any other with the
    same returned calls, the same state and a subset of the doubts, since a call in doubt binds
    nobody. Why a read that is legal now is forced: in any continuation it can be moved to the front,
    and the states that all others meet stay as they were. (Not so a write that changes nothing now:
    the same delete may be needed later.)
    """

    def __init__(
        self, model: Model[StateT, InputT, OutputT], calls: Sequence[Call[InputT, OutputT]]
    ) -> None:
        self._model = model
        ordered = sorted(calls, key=lambda call: call.invoked_ns)
        self._returned = [call for call in ordered if call.returned_ns is not None]
        self._doubtful = [call for call in ordered if call.returned_ns is None]
        self._link(self._returned)
        self._configuration = _Configuration(0, 0, 0, model.initial())
        self._known: dict[tuple[int, int, StateT], tuple[int, ...]] = {}
        self._is_new(self._configuration)
        self._choices: list[_Choice[StateT]] = []
        self._entry = self._next[_HEAD]
        self._longest: tuple[int, list[_Choice[StateT]], _Configuration[StateT]] = (
            -1,
            [],
            self._configuration,
        )
        self._in_effect = 0
        self.steps = 0

    def _link(self, calls: Sequence[Call[InputT, OutputT]]) -> None:
        """Make the list: entry 0 is its head; at equal times invocations come before returns."""
        events = sorted(
            event
            for n, call in enumerate(calls)
            for event in ((call.invoked_ns, 0, n), (call.returned_ns or 0, 1, n))
        )
        size = len(events) + 1
        self._next = [*range(1, size), _HEAD]
        self._previous = [size - 1, *range(size - 1)]
        self._call_of = [-1, *(n for _, _, n in events)]
        self._return_of = [0] * size
        invocations = [0] * len(calls)
        for entry, (_, is_return, n) in enumerate(events, start=1):
            if is_return:
                self._return_of[invocations[n]] = entry
            else:
                invocations[n] = entry

    def advance(self, steps: int) -> Answer:
        """Go on for at most so many steps of the model."""
        until = self.steps + steps
        while self._in_effect < len(self._returned):
            if self.steps >= until:
                return Answer.UNDECIDED
            if self._entry > _HEAD and self._return_of[self._entry]:
                self._try_returned(self._entry)
            elif not self._try_doubtful() and not self._take_back():
                return Answer.ILLEGAL
        return Answer.LINEARIZABLE

    def _try_returned(self, entry: int) -> None:
        n = self._call_of[entry]
        call, before = self._returned[n], self._configuration
        self.steps += 1
        legal, state = self._model.step(before.state, call.input, call.output)
        if not legal:
            self._entry = self._next[entry]
            return
        low, window = before.low, before.window | 1 << (n - before.low)
        while window & 1:
            low, window = low + 1, window >> 1
        after = _Configuration(low, window, before.doubts, state)
        if not self._is_new(after):
            self._entry = self._next[entry]
            return
        self._choices.append(_Choice(entry, before, self._model.is_read(call.input)))
        self._lift(entry)
        self._configuration = after
        self._in_effect += 1
        self._entry = self._next[_HEAD]

    def _try_doubtful(self) -> bool:
        """Let the next call in doubt take effect, if there is one that may and that matters.

        These are tried after all others: what happened without them is the simpler explanation.
        """
        first = -1 - self._entry if self._entry < _HEAD else 0
        if first >= len(self._doubtful):
            return False
        before, deadline_ns = self._configuration, self._first_return_ns()
        for n in range(first, len(self._doubtful)):
            call = self._doubtful[n]
            if call.invoked_ns > deadline_ns:
                return False
            if before.doubts >> n & 1:
                continue
            self.steps += 1
            legal, state = self._model.step(before.state, call.input, UNKNOWN)
            after = _Configuration(before.low, before.window, before.doubts | 1 << n, state)
            if legal and self._is_new(after):
                self._choices.append(_Choice(-1 - n, before, is_forced=False))
                self._configuration = after
                self._entry = self._next[_HEAD]
                return True
        return False

    def _is_new(self, configuration: _Configuration[StateT]) -> bool:
        """Remember a configuration; tell whether none as good was known."""
        key = (configuration.low, configuration.window, configuration.state)
        doubts = configuration.doubts
        known = self._known.get(key, ())
        if any(not other & ~doubts for other in known):
            return False
        self._known[key] = (*(other for other in known if doubts & ~other), doubts)
        return True

    def _take_back(self) -> bool:
        """Undo choices up to one that has an alternative; tell whether there was one."""
        if self._in_effect > self._longest[0]:
            self._longest = (self._in_effect, list(self._choices), self._configuration)
        while self._choices:
            choice = self._choices.pop()
            self._configuration = choice.before
            if choice.entry > _HEAD:
                self._in_effect -= 1
                self._unlift(choice.entry)
            if not choice.is_forced:
                follows = choice.entry > _HEAD
                self._entry = self._next[choice.entry] if follows else choice.entry - 1
                return True
        return False

    def _lift(self, invocation: int) -> None:
        for entry in (invocation, self._return_of[invocation]):
            self._next[self._previous[entry]] = self._next[entry]
            self._previous[self._next[entry]] = self._previous[entry]

    def _unlift(self, invocation: int) -> None:
        """Put back what was lifted last, in the opposite order (the entries keep their links)."""
        for entry in (self._return_of[invocation], invocation):
            self._next[self._previous[entry]] = entry
            self._previous[self._next[entry]] = entry

    def _first_return_ns(self) -> int:
        entry = self._next[_HEAD]
        while self._return_of[entry]:
            entry = self._next[entry]
        returned_ns = self._returned[self._call_of[entry]].returned_ns
        return returned_ns or 0

    def counterexample(self) -> Counterexample[StateT, InputT, OutputT]:
        """Show how far the longest order went, and the calls none of which could follow it."""
        _, choices, configuration = self._longest
        prefix = tuple(
            self._returned[self._call_of[c.entry]]
            if c.entry > _HEAD
            else self._doubtful[-1 - c.entry]
            for c in choices
        )
        placed = {id(call) for call in prefix}
        left = [call for call in self._returned if id(call) not in placed]
        deadline_ns = min(call.returned_ns or 0 for call in left)
        stuck = tuple(call for call in left if call.invoked_ns <= deadline_ns)
        return Counterexample(prefix, configuration.state, stuck, len(left) - len(stuck))
