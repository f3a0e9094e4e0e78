"""Owns which phase a moment of the run belongs to."""

from collections.abc import Callable

from harness.model.history import PHASE_STARTED, HistoryWriter, Milestone, phase_at


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
        return phase_at(self._starts, moment_ns)
