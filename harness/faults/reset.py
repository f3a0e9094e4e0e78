"""Owns the fault that resets connections as soon as something is sent on them."""

from harness.faults.network import NetworkFault, both_ways
from harness.faults.probe import Came, Sight
from harness.labs.base import Toxic


class Reset(NetworkFault):
    """Connections are accepted, then reset: nobody learns whether a request was carried out."""

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"reset {self.target}"

    @property
    def toxics(self) -> tuple[Toxic, ...]:
        """Toxiproxy's `reset_peer`, at once."""
        return both_ways("reset_peer", timeout=0)

    def shows(self, sight: Sight) -> str:
        """See a connection end without an answer."""
        ended = sight.came in (Came.RESET, Came.END)
        return "a connection was accepted and reset" if ended else ""
