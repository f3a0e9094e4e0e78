"""Owns how a run stands at a moment, told from its history while that grows. Judges nothing."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from harness.model.history import STEADY_STATE, History
from harness.model.observation import LbAnswer
from harness.model.operation import Completion, Operation

_STATUS = "/status"
# Rates are those of the last seconds: steady enough to read, and quick enough to show a failure.
_RATE_NS = 3_000_000_000

Counts = Mapping[Completion, float]


@dataclass(frozen=True)
class Standing:
    """What can be said of a run so far.

    `gap_seconds` is the longest gap as the checker of availability counts it, those that are still
    open included. `states` has what the load balancer says of each instance; it is empty when it
    does not say, and None when it did not answer.
    """

    counts: Counts
    per_second: Counts
    gap_seconds: float = 0.0
    states: Mapping[str, str] | None = field(default_factory=dict)
    faults: tuple[str, ...] = ()


class Tally:
    """Counts a history that others append to; each record is looked at once."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._operations_seen = self._observations_seen = 0
        self._counts = dict.fromkeys(Completion, 0)
        self._before: deque[tuple[int, dict[Completion, int]]] = deque()
        self._gap_ns = 0
        # By client process and sort of operation: since when it has waited for a success.
        self._waiting: dict[tuple[str, bool], int] = {}
        self._states: Mapping[str, str] | None = {}

    def look(self, now_ns: int) -> Standing:
        """Take in what is new, and say how the run stands."""
        operations = self._history.operations[self._operations_seen :]
        self._operations_seen += len(operations)
        observations = self._history.observations[self._observations_seen :]
        self._observations_seen += len(observations)
        for operation in operations:
            self._counts[operation.completion] += 1
            if operation.phase != STEADY_STATE:
                self._note_gap(operation)
        for answer in observations:
            if isinstance(answer, LbAnswer) and answer.path == _STATUS:
                self._states = states_in(answer.body) if answer.status else None
        open_ns = (now_ns - since_ns for since_ns in self._waiting.values())
        return Standing(
            counts=dict(self._counts),
            per_second=self._rates(now_ns),
            gap_seconds=max(self._gap_ns, *open_ns, 0) / 1e9,
            states=self._states,
            faults=tuple(self._faults(now_ns)),
        )

    def _note_gap(self, operation: Operation) -> None:
        track = operation.process, operation.kind.is_write
        since_ns = min(self._waiting.get(track, operation.intended_ns), operation.intended_ns)
        if operation.completion is Completion.OK:
            self._gap_ns = max(self._gap_ns, operation.completed_ns - since_ns)
            self._waiting.pop(track, None)
        else:
            self._waiting[track] = since_ns

    def _rates(self, now_ns: int) -> Counts:
        self._before.append((now_ns, dict(self._counts)))
        while len(self._before) > 2 and now_ns - self._before[1][0] >= _RATE_NS:
            self._before.popleft()
        then_ns, then = self._before[0]
        seconds = (now_ns - then_ns) / 1e9
        return {
            completion: (count - then[completion]) / seconds if seconds else 0.0
            for completion, count in self._counts.items()
        }

    def _faults(self, now_ns: int) -> Iterable[str]:
        for window in self._history.fault_windows.values():
            if window.injected_ns and not window.healed_ns:
                yield f"{window.fault} for {(now_ns - window.injected_ns) / 1e9:.0f} s"


def states_in(body: str) -> dict[str, str]:
    """Read an instance's state, or at least whether it is healthy, from an answer of `/status`."""
    try:
        status: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    rows = status.get("instances") if isinstance(status, dict) else None
    said: dict[str, str] = {}
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, dict) or not isinstance(row.get("name"), str):
            continue
        if isinstance(row.get("state"), str):
            said[row["name"]] = row["state"]
        elif isinstance(row.get("healthy"), bool):
            said[row["name"]] = "healthy" if row["healthy"] else "unhealthy"
    return said
