"""Owns the fault that keeps connections open after the server has closed them."""

from dataclasses import dataclass

from harness.faults.network import NetworkFault
from harness.faults.probe import PATIENCE_SECONDS, Came, Sight
from harness.labs.base import Toxic


@dataclass(frozen=True)
class SlowClose(NetworkFault):
    """A connection that the server ends is seen to end `milliseconds` later."""

    milliseconds: int = 1000

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"slow-close {self.target} {self.milliseconds}"

    @property
    def toxics(self) -> tuple[Toxic, ...]:
        """Toxiproxy's `slow_close` on what comes back."""
        return (Toxic("slow_close", "downstream", {"delay": self.milliseconds}),)

    @property
    def patience_seconds(self) -> float:
        """Longer than the delay."""
        return PATIENCE_SECONDS + self.milliseconds / 500

    def shows(self, sight: Sight) -> str:
        """See the connection end late after a whole answer."""
        late = sight.came is Came.ANSWER and sight.closing_seconds >= self.milliseconds / 1000
        return f"the connection ended {sight.closing_seconds:.2f} s after it" if late else ""
