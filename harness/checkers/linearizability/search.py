"""Owns the search for one order of the calls of one partition that the model and time allow.

The algorithm is Wing and Gong's (*Testing and Verifying Concurrent Objects*, 1993) with Lowe's
memory of configurations (*Testing for linearizability*, 2017). Where theirs lift calls out of a
linked list, a configuration here says by itself which calls may be next, so that it can be left and
returned to: calls in doubt are tried in order of how many are needed, few before many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, NamedTuple

from harness.checkers.linearizability.model import (
    UNKNOWN,
    Call,
    InputT,
    Model,
    OutputT,
    StateT,
)


class Answer(Enum):
    """What became of a slice of a search."""

    LINEARIZABLE = auto()
    ILLEGAL = auto()
    UNDECIDED = auto()


class _Configuration(NamedTuple, Generic[StateT]):
    """Which calls have taken effect, the state then, and how that was reached.

    Of the calls that returned, in order of invocation, the first `low` all have, and those after
    them by the bits of `window`: narrow, for it spans only calls that overlap. `doubts` are bits
    for the calls in doubt that have. `call` is the last one, by its index among those that
    returned, or `-1 - n` for the n-th in doubt.
    """

    low: int
    window: int
    doubts: int
    state: StateT
    returned: int
    before: "_Configuration[StateT] | None"
    call: int


@dataclass(frozen=True)
class Counterexample(Generic[StateT, InputT, OutputT]):
    """The longest order found: its calls, the state after them, and which could not come next."""

    prefix: tuple[Call[InputT, OutputT], ...]
    state: StateT
    stuck: tuple[Call[InputT, OutputT], ...]
    later: int


class Search(Generic[StateT, InputT, OutputT]):
    """A search that can be interrupted: `advance` until it has an answer.

    A call may be next if it was invoked before the first return of those that returned and have not
    taken effect yet. Two shortcuts are taken, and neither changes the answer:

    A configuration is not visited when one is known with the same returned calls, the same state
    and a subset of its doubts. What can follow it can follow that one as well, since a call in
    doubt never needs to happen. All with fewer doubts are visited before any with more.

    A read that is legal is the only next call that is tried. In whatever follows it can be moved
    to the front, and the states that the others meet stay as they were. (This does not hold for a
    write that changes nothing now: the same delete may be needed later.)
    """

    def __init__(
        self, model: Model[StateT, InputT, OutputT], calls: Sequence[Call[InputT, OutputT]]
    ) -> None:
        self._model = model
        ordered = sorted(calls, key=lambda call: call.invoked_ns)
        self._returned = [call for call in ordered if call.returned_ns is not None]
        self._doubtful = [call for call in ordered if call.returned_ns is None]
        self._ends_ns = [call.returned_ns for call in ordered if call.returned_ns is not None]
        start = _Configuration(0, 0, 0, model.initial(), 0, None, 0)
        self._longest = start
        self._known: dict[tuple[int, int, StateT], tuple[int, ...]] = {}
        self._stack: list[_Configuration[StateT]] = []
        # Visited with as many doubts as those on the stack; and with one less, to be tried with it.
        self._visited: list[_Configuration[StateT]] = []
        self._sources: list[_Configuration[StateT]] = []
        self._push(start)
        self.steps = 0

    def advance(self, steps: int) -> Answer:
        """Go on for about so many steps of the model."""
        until = self.steps + steps
        while self.steps < until:
            if self._stack:
                configuration = self._stack.pop()
                if configuration.returned == len(self._returned):
                    return Answer.LINEARIZABLE
                self._follow(configuration)
            elif self._sources:
                self._follow_with_doubt(self._sources.pop())
            elif self._visited:
                self._sources, self._visited = self._visited, []
            else:
                return Answer.ILLEGAL
        return Answer.UNDECIDED

    def _follow(self, before: _Configuration[StateT]) -> None:
        """Push what can follow by a call that returned; the one invoked first ends on top."""
        if before.returned > self._longest.returned:
            self._longest = before
        if self._doubtful:
            self._visited.append(before)
        following: list[_Configuration[StateT]] = []
        for n in self._next_calls(before):
            call = self._returned[n]
            self.steps += 1
            legal, state = self._model.step(before.state, call.input, call.output)
            if not legal:
                continue
            after = _with_returned(before, n, state)
            if self._model.is_read(call.input):
                following = [after]
                break
            following.append(after)
        for after in reversed(following):
            self._push(after)

    def _follow_with_doubt(self, before: _Configuration[StateT]) -> None:
        deadline_ns = min(self._ends_ns[n] for n in self._next_calls(before))
        for n, call in enumerate(self._doubtful):
            if call.invoked_ns > deadline_ns:
                break
            if before.doubts >> n & 1:
                continue
            self.steps += 1
            legal, state = self._model.step(before.state, call.input, UNKNOWN)
            if legal:
                doubts = before.doubts | 1 << n
                self._push(before._replace(doubts=doubts, state=state, before=before, call=-1 - n))

    def _next_calls(self, configuration: _Configuration[StateT]) -> list[int]:
        """Name the calls that returned and may be next, in order of invocation."""
        calls: list[int] = []
        deadline_ns = None
        absent = ~configuration.window
        n = configuration.low - 1
        while True:
            skipped = (absent & -absent).bit_length()
            absent >>= skipped
            n += skipped
            if n >= len(self._returned):
                return calls
            if deadline_ns is not None and self._returned[n].invoked_ns > deadline_ns:
                return calls
            calls.append(n)
            end_ns = self._ends_ns[n]
            deadline_ns = end_ns if deadline_ns is None else min(deadline_ns, end_ns)

    def _push(self, configuration: _Configuration[StateT]) -> None:
        """Remember a configuration and put it on the stack, unless one as good is known."""
        key = (configuration.low, configuration.window, configuration.state)
        doubts = configuration.doubts
        known = self._known.get(key, ())
        if all(other & ~doubts for other in known):
            self._known[key] = (*known, doubts)
            self._stack.append(configuration)

    def counterexample(self) -> Counterexample[StateT, InputT, OutputT]:
        """Show how far the longest order went, and the calls none of which could follow it."""
        prefix: list[Call[InputT, OutputT]] = []
        at = self._longest
        while at.before is not None:
            n = at.call
            prefix.append(self._returned[n] if n >= 0 else self._doubtful[-1 - n])
            at = at.before
        stuck = tuple(self._returned[n] for n in self._next_calls(self._longest))
        later = len(self._returned) - self._longest.returned - len(stuck)
        return Counterexample(tuple(reversed(prefix)), self._longest.state, stuck, later)


def _with_returned(before: _Configuration[StateT], n: int, state: StateT) -> _Configuration[StateT]:
    low, window = before.low, before.window | 1 << (n - before.low)
    while window & 1:
        low, window = low + 1, window >> 1
    return _Configuration(low, window, before.doubts, state, before.returned + 1, before, n)
