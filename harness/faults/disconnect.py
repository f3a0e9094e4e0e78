"""Owns the fault that takes a server off its network; its healing puts it there again."""

from harness.errors import UnsupportedFaultError
from harness.faults.network import NetworkFault
from harness.faults.probe import Came, Sight
from harness.labs.abilities import OnLinks
from harness.labs.base import Capability, Lab, Toxic


class Disconnect(NetworkFault):
    """The server has no way to the load balancer any more, as when a cable is pulled.

    Nobody is told: what was under way on open connections waits, and goes on when the server is
    back at its address in time. New connections get no answer.
    """

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"disconnect {self.target}"

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do."""
        return frozenset({Capability.DISCONNECT})

    @property
    def toxics(self) -> tuple[Toxic, ...]:
        """None: Toxiproxy is well, and finds nobody."""
        return ()

    def shows(self, sight: Sight) -> str:
        """See a request that gets no answer."""
        return "" if sight.came is Came.ANSWER else f"a request got no answer, but {sight.came}"

    async def inject(self, lab: Lab) -> None:
        """Take it off."""
        await _on_links(lab).disconnect(self.target)

    async def heal(self, lab: Lab) -> None:
        """Put it there again."""
        await _on_links(lab).reconnect(self.target)


def _on_links(lab: Lab) -> OnLinks:
    if not isinstance(lab, OnLinks):
        raise UnsupportedFaultError(
            f"lab {lab.name} cannot take servers off a network: choose another lab or scenario"
        )
    return lab
