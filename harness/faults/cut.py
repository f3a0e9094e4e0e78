"""Owns the fault that cuts a server off: connections to it are refused, and open ones end."""

from harness.faults.network import NetworkFault, networked
from harness.faults.probe import Came, Sight
from harness.labs.base import Capability, Lab, Toxic


class Cut(NetworkFault):
    """Nothing gets through in either direction, and whoever tries is told at once."""

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"cut {self.target}"

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do."""
        return frozenset({Capability.CUT})

    @property
    def toxics(self) -> tuple[Toxic, ...]:
        """None: the way itself is closed."""
        return ()

    def shows(self, sight: Sight) -> str:
        """See the connection refused."""
        return "a connection was refused" if sight.came is Came.REFUSAL else ""

    async def inject(self, lab: Lab) -> None:
        """Cut it off."""
        await networked(lab).cut(self.target)
