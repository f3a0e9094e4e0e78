"""Owns which schedules are pinned, each with the clients that find its bug."""

from dataclasses import dataclass
from pathlib import Path

from harness.model.schedule import Schedule
from harness.runner.schedules import read_schedule
from harness.workloads.settings import Addressing, WorkloadSettings


@dataclass(frozen=True)
class Pinned:
    """A schedule, and what clients do meanwhile."""

    name: str
    workload: WorkloadSettings

    def __str__(self) -> str:
        return self.name

    @property
    def schedule(self) -> Schedule:
        """Read it."""
        return read_schedule(Path(__file__).with_name(f"{self.name}.json"))


_SAVES_SOON = WorkloadSettings(collections=1, operations_per_second=30.0)
"""Chroma saves an index after 1,000 writes of documents: here after some seconds."""

PINNED = (
    # An update of a document that did not exist had its effect later, on one instance only.
    Pinned(
        "updates-of-what-is-not-there",
        WorkloadSettings(name="lifecycle", addressing=Addressing.MIXED),
    ),
    # A server killed while it saves an index never takes writes of that collection again.
    Pinned("a-torn-index-that-takes-no-write", _SAVES_SOON),
    # A server that ends at every write of one collection.
    Pinned("a-torn-index-that-ends-its-server", _SAVES_SOON),
    # A write that only a torn instance could take was quarantined for it.
    Pinned("a-torn-index-while-the-other-is-away", _SAVES_SOON),
)
