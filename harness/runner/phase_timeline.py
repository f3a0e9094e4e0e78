"""Owns which phase a moment of the run belongs to."""

from collections.abc import Callable

from harness.model.history import PHASE_STARTED, STEADY_STATE, HistoryWriter, Milestone


class PhaseTimeline:
    """The phases begun so far; an operation belongs to the phase of its intended start."""

    def __init__(self, log: HistoryWriter, clock: Callable[[], int]) -> None:
        self._log = log
        self._clock = clock
        self._starts: list[tuple[int, str]] = []

    def begin(self, phase: str) -> None:
        """Start a phase now."""
        started_ns = self._clock()
        self._starts.append((started_ns, phase))
        self._log.append(Milestone(name=PHASE_STARTED, at_ns=started_ns, detail=phase))

    def at(self, moment_ns: int) -> str:
        """Name the phase that a moment lies in."""
        return next(
            (name for started_ns, name in reversed(self._starts) if started_ns <= moment_ns),
            STEADY_STATE,
        )
