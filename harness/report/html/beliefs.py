"""Owns what the load balancer believed of each instance, and how long it took it to notice a fault.

It is asked once a second. Where its answers list transitions with their times, as ours do, those
are taken; they are told by its clock, which is compared with the run's at each answer.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from harness.model.history import History
from harness.model.observation import LbAnswer

STATUS = "/status"
UP, HEALTHY, UNHEALTHY, SILENT = "UP", "healthy", "unhealthy", "no answer"
_TRUSTED = frozenset({UP, HEALTHY})
# A clock that is further from what is possible is not believed.
_SLACK_NS = 200_000_000


@dataclass(frozen=True)
class Belief:
    """From this moment on the instance was held to be in that state."""

    at_ns: int
    state: str
    cause: str

    @property
    def is_trust(self) -> bool:
        """Tell whether clients may be sent there."""
        return self.state in _TRUSTED


@dataclass(frozen=True)
class Detection:
    """A fault of an instance, and when it was noticed; None when it was not, before the end."""

    fault: str
    instance: str
    injected_ns: int
    noticed_ns: int | None
    until_ns: int

    @property
    def end_ns(self) -> int:
        """When the gap was over: noticed, or healed unnoticed."""
        return self.until_ns if self.noticed_ns is None else self.noticed_ns


def beliefs(history: History) -> dict[str, list[Belief]]:
    """Give what was believed of each instance, as changes in the order of time."""
    found: defaultdict[str, list[Belief]] = defaultdict(list)
    asked = [answer for answer in history.observed(LbAnswer) if answer.path == STATUS]
    contents = [(answer, _content(answer)) for answer in asked]
    names = {name for _, content in contents for name in _states(content)}
    last_ns = 0
    for answer, content in contents:
        states = _states(content)
        for name, belief in _transitions(answer, content, last_ns):
            if name in names:
                found[name].append(belief)
        for name in names:
            state, cause = states.get(name, (SILENT, answer.error or f"status {answer.status}"))
            if not found[name] or found[name][-1].state != state:
                found[name].append(Belief(answer.answered_ns, state, cause))
        last_ns = answer.asked_ns
    return {name: list(_changes(found[name])) for name in sorted(found)}


def detections(history: History, believed: dict[str, list[Belief]]) -> list[Detection]:
    """Give for each fault of an instance that took effect the time until it was noticed."""
    found = []
    for window in history.fault_windows.values():
        changes = believed.get(window.target)
        if not changes or not window.took_effect:
            continue
        until_ns = window.healed_ns or changes[-1].at_ns
        before = [c for c in changes if c.at_ns <= window.injected_ns]
        noticed_ns: int | None = None
        if before and before[-1].state not in (*_TRUSTED, SILENT):
            noticed_ns = window.injected_ns
        else:
            later = (
                c.at_ns
                for c in changes
                if window.injected_ns < c.at_ns <= until_ns and not c.is_trust and c.state != SILENT
            )
            noticed_ns = next(later, None)
        found.append(
            Detection(window.fault, window.target, window.injected_ns, noticed_ns, until_ns)
        )
    return found


def _changes(found: list[Belief]) -> Iterator[Belief]:
    state = None
    for belief in sorted(found, key=lambda each: each.at_ns):
        if belief.state != state:
            yield belief
        state = belief.state


def _content(answer: LbAnswer) -> dict[str, Any]:
    try:
        content = msgspec.json.decode(answer.body.encode()) if answer.status == 200 else {}
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _states(content: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Read each instance's state and its cause; only health where there is no more."""
    rows = content.get("instances")
    states = {}
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, dict) or not isinstance(row.get("name"), str):
            continue
        state = row.get("state")
        if not isinstance(state, str):
            state = HEALTHY if row.get("healthy") is True else UNHEALTHY
        states[row["name"]] = (state, str(row.get("cause", "")))
    return states


def _transitions(
    answer: LbAnswer, content: dict[str, Any], last_ns: int
) -> Iterator[tuple[str, Belief]]:
    """Read the transitions since the last answer, the oldest first."""
    told = content.get("last_transitions")
    ahead_ns = _clock_ahead_ns(answer, content)
    if not isinstance(told, list) or ahead_ns is None:
        return
    for row in reversed(told):
        try:
            at_ns = _time_ns(row["at"]) - ahead_ns
            name, belief = row["instance"], Belief(at_ns, str(row["to"]), str(row["cause"]))
        except (KeyError, TypeError, ValueError):
            continue
        if last_ns - _SLACK_NS < at_ns <= answer.answered_ns + _SLACK_NS:
            yield name, belief


def _clock_ahead_ns(answer: LbAnswer, content: dict[str, Any]) -> int | None:
    """Compare the clock of the load balancer with the run's, halfway through the question."""
    try:
        generated_ns = _time_ns(content["generated_at"])
    except (KeyError, TypeError, ValueError):
        return None
    return generated_ns - (answer.asked_ns + answer.answered_ns) // 2


def _time_ns(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e6) * 1000
