"""Figures of transactions since the start (T5): how many by state, and how long recovery took."""

from collections import Counter, deque
from collections.abc import Callable
from statistics import median
from typing import Any

from lb.log_tail import LogTail
from lb.model import Entry
from lb.transactions import TransactionState, of_entry

MEDIAN_OVER = 10_000
"""The median is over the latest recoveries only, so that memory stays bounded."""


class TransactionFigures:
    """Counts outcomes as they come; what has none yet is counted when asked."""

    def __init__(self, tail: Callable[[], LogTail]) -> None:
        self._tail = tail
        self._settled = Counter[TransactionState]()
        self._recovery_seconds: deque[float] = deque(maxlen=MEDIAN_OVER)
        self._worst_seconds = 0.0

    def note(self, entry: Entry) -> None:
        """Count an entry that has just got its outcome."""
        transaction = of_entry(entry)
        self._settled[transaction.state] += 1
        if transaction.state is TransactionState.RECOVERED and transaction.seconds is not None:
            self._recovery_seconds.append(transaction.seconds)
            self._worst_seconds = max(self._worst_seconds, transaction.seconds)

    def describe(self) -> dict[str, Any]:
        """Return the counts by state, and the time from being logged to being recovered."""
        states = {state.value: self._settled[state] for state in TransactionState}
        waiting = sum(entry.outcome is None for entry in self._tail().entries())
        states[TransactionState.ATTEMPTING.value] = waiting
        times = self._recovery_seconds
        return {
            "by_state": states,
            "recovery_seconds": {
                "median": round(median(times), 3) if times else None,
                "worst": round(self._worst_seconds, 3) if times else None,
            },
        }
