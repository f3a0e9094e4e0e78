"""Owns the ordered record of one run, in memory and as JSON Lines that survive a crash.

Each record is one line, written at once; a reader accepts a last line that was torn.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from harness.model.fault_window import FaultWindow
from harness.model.observation import Observation, ObservationT
from harness.model.operation import Operation

FORMAT = 1


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The promises in figures that the run is judged by; None where nothing is promised."""

    failed_operations: int | None = 0
    gap_seconds: float | None = 1.0
    converge_seconds: float = 5.0
    recall: float | None = 0.9
    recall_difference: float | None = 0.05
    drain_seconds: float | None = None


class Header(msgspec.Struct, frozen=True, kw_only=True, tag="run"):
    """What a checker must know of the run; always the first record.

    In a `shared` system others write, too: what it says of all of them cannot be judged.
    """

    scenario: str
    seed: int
    dimensions: int
    prefix: str
    limits: Limits
    faults: tuple[str, ...] = ()
    workload: str = "cms"
    text_bytes: int = 0
    shared: bool = False
    format: int = FORMAT


class Milestone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="milestone"):
    """A moment of the run that a figure is measured from or to."""

    name: str
    at_ns: int
    detail: str = ""


# A phase began (detail: its name).
PHASE_STARTED = "phase-started"
# Every instance was seen to hold what was acknowledged before a heal was proven
# (detail: the index of the fault window).
CONVERGED = "converged"
# The last operation of every client had completed.
CLIENTS_STOPPED = "clients-stopped"
# With no client left, the load balancer was first seen to say that nothing is pending.
DRAINED = "drained"
# With no client left, all instances were seen to hold the same.
SETTLED = "settled"
# An instance could not be read at the end (detail: which, and what it answered).
UNREADABLE = "unreadable"

STEADY_STATE = "steady-state"


def phase_at(phases: Sequence[tuple[int, str]], moment_ns: int) -> str:
    """Name the last of the phases, each with the time when it began, that had begun then."""
    return next(
        (name for began_ns, name in reversed(phases) if began_ns <= moment_ns), STEADY_STATE
    )


Event = Operation | FaultWindow | Milestone | Observation
Record = Header | Event


@dataclass
class History:
    """The records of one run, in the order in which they were made."""

    header: Header
    operations: list[Operation] = field(default_factory=list)
    fault_windows: dict[int, FaultWindow] = field(default_factory=dict)
    milestones: list[Milestone] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)

    def append(self, record: Event) -> None:
        """Add one record; a fault window replaces its earlier record."""
        match record:
            case Operation():
                self.operations.append(record)
            case FaultWindow():
                self.fault_windows[record.index] = record
            case Milestone():
                self.milestones.append(record)
            case _:
                self.observations.append(record)

    def observed(self, kind: type[ObservationT]) -> list[ObservationT]:
        """Return the observations of one kind in their order."""
        return [each for each in self.observations if isinstance(each, kind)]

    def milestone(self, name: str, detail: str = "") -> Milestone | None:
        """Find the first milestone of that name (and detail, where given)."""
        for milestone in self.milestones:
            if milestone.name == name and detail in ("", milestone.detail):
                return milestone
        return None

    @property
    def drain_seconds(self) -> float | None:
        """Measure from the last operation until nothing was pending; None if that was not seen."""
        drained = self.milestone(DRAINED)
        if drained is None or not self.operations:
            return None
        return (drained.at_ns - max(each.completed_ns for each in self.operations)) / 1e9


class RecordFile:
    """A history on disk alone: `append` returns when the whole line is written."""

    def __init__(self, path: Path, header: Header) -> None:
        # Unbuffered, one write call for a line: a killed runner tears the last line at most.
        self._file = path.open("xb", buffering=0)
        self._encoder = msgspec.json.Encoder()
        self.append(header)

    def append(self, record: Record) -> None:
        """Write it."""
        self._file.write(self._encoder.encode(record) + b"\n")

    def close(self) -> None:
        """Write nothing any more."""
        self._file.close()


class HistoryWriter:
    """Keeps a history in memory and on disk: `append` returns when the whole line is written."""

    def __init__(self, path: Path, header: Header) -> None:
        self.history = History(header)
        self._file = RecordFile(path, header)

    def append(self, record: Event) -> None:
        """Record it."""
        self.history.append(record)
        self._file.append(record)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def read_history(path: Path) -> History:
    """Read a run's history; raises `ValueError` for anything but a torn last line."""
    whole, _, torn = path.read_bytes().rpartition(b"\n")
    decoder = msgspec.json.Decoder(Record)
    lines = [*(whole.split(b"\n") if whole else ()), *([torn] if torn else ())]
    history: History | None = None
    for number, line in enumerate(lines, start=1):
        try:
            record = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if torn and number == len(lines):
                break
            raise ValueError(f"{path}, line {number} is not a record of a run: {error}") from error
        if isinstance(record, Header):
            history = History(record)
        elif history is None:
            raise ValueError(f"{path} does not begin with the header of a run")
        else:
            history.append(record)
    if history is None:
        raise ValueError(f"{path} holds no record of a run")
    return history
