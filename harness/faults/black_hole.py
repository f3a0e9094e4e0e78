"""Owns the faults that swallow: connections are accepted, and what is sent does not arrive."""

from harness.faults.network import NetworkFault, both_ways
from harness.faults.probe import Came, Sight
from harness.labs.base import Toxic


class BlackHole(NetworkFault):
    """What goes to the server and what comes from it is lost, without a word."""

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"black-hole {self.target}"

    @property
    def toxics(self) -> tuple[Toxic, ...]:
        """Toxiproxy's `timeout` of 0: data is dropped until it is removed."""
        return both_ways("timeout", timeout=0)

    def shows(self, sight: Sight) -> str:
        """See a request unanswered."""
        silent = sight.came is Came.SILENCE
        return f"a request was silent for {self.patience_seconds:g} s" if silent else ""


class HalfOpen(BlackHole):
    """Requests arrive and are carried out; their answers are lost."""

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"half-open {self.target}"

    @property
    def toxics(self) -> tuple[Toxic, ...]:
        """Only what comes from the server is dropped."""
        return (Toxic("timeout", "downstream", {"timeout": 0}),)

    def shows(self, sight: Sight) -> str:
        """See no answer, until the server itself ends the connection."""
        lost = sight.came in (Came.SILENCE, Came.END)
        return f"no answer came, but {sight.came}" if lost else ""
