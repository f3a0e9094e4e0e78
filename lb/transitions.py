"""The last changes of state of all instances, in order, for people and for the live page."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lb.instances import Fleet, Instance, State

KEPT = 50


@dataclass(frozen=True, slots=True)
class Transition:
    """One instance went from a state to another; `number` counts all since the start."""

    number: int
    at: datetime
    instance: str
    before: State
    after: State
    cause: str

    def describe(self) -> dict[str, Any]:
        """Return what `/status` says of it."""
        return {
            "number": self.number,
            "at": self.at.isoformat(timespec="milliseconds"),
            "instance": self.instance,
            "from": self.before.value,
            "to": self.after.value,
            "cause": self.cause,
        }


class Transitions:
    """Keeps the last 50 of a fleet, and tells one listener of each at once."""

    def __init__(self, fleet: Fleet) -> None:
        self._latest: deque[Transition] = deque(maxlen=KEPT)
        self._count = 0
        self.on_transition: Callable[[], None] = lambda: None
        for instance in fleet:
            instance.on_transition = self._note

    def describe(self) -> list[dict[str, Any]]:
        """Return them, the newest first."""
        return [each.describe() for each in reversed(self._latest)]

    def _note(self, instance: Instance, before: State) -> None:
        self._count += 1
        self._latest.append(
            Transition(
                self._count, instance.since, instance.name, before, instance.state, instance.cause
            )
        )
        self.on_transition()
