"""Owns what one run of a module is about, where a module has several runs for its tests."""

from dataclasses import dataclass

from harness.workloads.settings import Addressing, WorkloadSettings


@dataclass(frozen=True)
class Case:
    """A scenario, and how its clients name collections."""

    scenario: str
    addressing: Addressing = Addressing.ID

    def __str__(self) -> str:
        return f"{self.scenario}-by-{self.addressing}"

    @property
    def workload(self) -> WorkloadSettings:
        """The CMS, by that name."""
        return WorkloadSettings(addressing=self.addressing)
