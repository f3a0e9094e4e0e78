"""Owns the fault that ends a connection after some bytes of its answers."""

from dataclasses import dataclass

from harness.faults.network import NetworkFault
from harness.faults.probe import Came, Sight
from harness.labs.base import Toxic


@dataclass(frozen=True)
class LimitedData(NetworkFault):
    """A connection is closed when the server has said `most_bytes` on it: answers are cut short."""

    most_bytes: int = 8

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"limited-data {self.target} {self.most_bytes}"

    @property
    def toxics(self) -> tuple[Toxic, ...]:
        """Toxiproxy's `limit_data` on what comes back."""
        return (Toxic("limit_data", "downstream", {"bytes": self.most_bytes}),)

    def shows(self, sight: Sight) -> str:
        """See an answer cut short."""
        return "a connection ended within an answer" if sight.came is Came.END else ""
