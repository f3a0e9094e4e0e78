"""Owns the fault that ends a server orderly; its healing starts it again."""

from harness.errors import UnsupportedFaultError
from harness.faults.kill import Kill
from harness.faults.probe import PATIENCE_SECONDS, Came, Sight
from harness.faults.proof import prove
from harness.labs.abilities import Stoppable
from harness.labs.base import Capability, Lab


class Stop(Kill):
    """SIGTERM, or a fast shutdown of PostgreSQL: the server may finish what it does, and is gone.

    One that does not end in time is killed, as service managers do; the evidence names the signal.
    """

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"stop {self.target}"

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do."""
        return frozenset({Capability.STOP, Capability.RESTART})

    async def inject(self, lab: Lab) -> None:
        """Ask the server to end."""
        await stoppable(lab).end(self.target)

    async def prove_effect(self, lab: Lab) -> str:
        """See the process gone and a direct request refused."""
        servers = stoppable(lab)

        def shows(sight: Sight) -> str:
            if servers.is_alive(self.target) or sight.came is not Came.REFUSAL:
                return ""
            return f"it ended with {servers.ending(self.target)}; a direct request was refused"

        failure = f"{self.target} was not seen to end"
        return await prove(lab.urls()[self.target], shows, failure, PATIENCE_SECONDS)


def stoppable(lab: Lab) -> Stoppable:
    """Return the lab as one that can end servers orderly; raises `UnsupportedFaultError`."""
    if not isinstance(lab, Stoppable):
        raise UnsupportedFaultError(f"lab {lab.name} cannot stop: choose another lab or scenario")
    return lab
