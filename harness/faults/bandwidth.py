"""Owns the fault that makes the way to a server narrow."""

from dataclasses import dataclass

from harness.faults.network import NetworkFault, both_ways
from harness.faults.probe import PADDING_BYTES, PATIENCE_SECONDS, Came, Sight
from harness.labs.base import Toxic


@dataclass(frozen=True)
class Bandwidth(NetworkFault):
    """Only `kilobytes_per_second` get through, in each direction."""

    kilobytes_per_second: int = 8

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"bandwidth {self.target} {self.kilobytes_per_second}"

    @property
    def toxics(self) -> tuple[Toxic, ...]:
        """Toxiproxy's `bandwidth`."""
        return both_ways("bandwidth", rate=self.kilobytes_per_second)

    @property
    def patience_seconds(self) -> float:
        """Longer than the probe's request takes."""
        return PATIENCE_SECONDS + 3 * self._request_seconds

    def shows(self, sight: Sight) -> str:
        """See a request of some kilobytes take as long as it must."""
        slow = sight.came is Came.ANSWER and sight.seconds >= self._request_seconds / 2
        return f"a request of {PADDING_BYTES} bytes took {sight.seconds:.2f} s" if slow else ""

    @property
    def _request_seconds(self) -> float:
        return PADDING_BYTES / 1024 / self.kilobytes_per_second
