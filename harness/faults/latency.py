"""Owns the fault that delays what comes from a server, evenly or by chance."""

from dataclasses import dataclass

from harness.faults.network import NetworkFault
from harness.faults.probe import PATIENCE_SECONDS, Came, Sight
from harness.labs.base import Toxic


@dataclass(frozen=True)
class Latency(NetworkFault):
    """Every answer comes `milliseconds` later, more or less `jitter_milliseconds`."""

    milliseconds: int = 1000
    jitter_milliseconds: int = 0

    @property
    def name(self) -> str:
        """What it does to whom."""
        jitter = f" {self.jitter_milliseconds}" if self.jitter_milliseconds else ""
        return f"latency {self.target} {self.milliseconds}{jitter}"

    @property
    def toxics(self) -> tuple[Toxic, ...]:
        """Toxiproxy's `latency` on what comes back."""
        attributes = {"latency": self.milliseconds, "jitter": self.jitter_milliseconds}
        return (Toxic("latency", "downstream", attributes),)

    @property
    def patience_seconds(self) -> float:
        """Longer than the delay."""
        return PATIENCE_SECONDS + (self.milliseconds + self.jitter_milliseconds) / 500

    def shows(self, sight: Sight) -> str:
        """See an answer that took as long as it must."""
        least = (self.milliseconds - self.jitter_milliseconds) / 1000
        late = sight.came is Came.ANSWER and sight.seconds >= max(least, 0.001)
        return f"a request took {sight.seconds:.2f} s" if late else ""
