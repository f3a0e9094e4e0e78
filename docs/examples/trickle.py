"""Owns the fault that lets answers trickle: small pieces, each later than the one before."""

from dataclasses import dataclass

from harness.faults.network import NetworkFault
from harness.faults.probe import PATIENCE_SECONDS, Came, Sight
from harness.labs.base import Toxic

_PIECE_BYTES = 32
# The head and the body of a heartbeat's answer are some 200 bytes, so several pieces.
_PIECES = 20


@dataclass(frozen=True)
class Trickle(NetworkFault):
    """Answers come in pieces of 32 bytes, `milliseconds` apart."""

    milliseconds: int = 50

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"trickle {self.target} {self.milliseconds}"

    @property
    def toxics(self) -> tuple[Toxic, ...]:
        """Toxiproxy's `slicer` on what comes back; its delay is in microseconds."""
        attributes = {"average_size": _PIECE_BYTES, "delay": self.milliseconds * 1000}
        return (Toxic("slicer", "downstream", attributes),)

    @property
    def patience_seconds(self) -> float:
        """Longer than all pieces of an answer take."""
        return PATIENCE_SECONDS + _PIECES * self.milliseconds / 1000

    def shows(self, sight: Sight) -> str:
        """See an answer that took at least the time between two pieces."""
        late = sight.came is Came.ANSWER and sight.seconds >= self.milliseconds / 1000
        return f"an answer trickled in for {sight.seconds:.2f} s" if late else ""
