"""Owns the fault that ends a server orderly and starts it at once, as an upgrade in place does."""

from dataclasses import dataclass, field

from harness.errors import FaultError
from harness.faults.probe import PATIENCE_SECONDS, Came, Sight
from harness.faults.proof import prove
from harness.faults.stop import Stop, stoppable
from harness.labs.base import Lab
from harness.labs.process_tree import ProcessIdentity


@dataclass(frozen=True)
class Restart(Stop):
    """A fault of a moment: it is over when it is injected, and there is nothing left to heal."""

    _ended: list[tuple[ProcessIdentity | None, str]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"restart {self.target}"

    async def inject(self, lab: Lab) -> None:
        """Ask the server to end, and start it when it is gone."""
        servers = stoppable(lab)
        old = servers.identity(self.target)
        await servers.end(self.target)
        self._ended.append((old, servers.ending(self.target)))
        await servers.restart(self.target)

    async def prove_effect(self, lab: Lab) -> str:
        """See another process than the one that was seen to end, and a direct request answered."""
        if not self._ended:
            raise FaultError(f"{self.target} was not seen to end")
        old, ending = self._ended[-1]

        def shows(sight: Sight) -> str:
            new = stoppable(lab).identity(self.target)
            if new is None or new == old or sight.came is not Came.ANSWER:
                return ""
            return f"the old process ended with {ending}; a new one answered a direct request"

        failure = f"{self.target} was not seen to run in a new process"
        return await prove(lab.urls()[self.target], shows, failure, PATIENCE_SECONDS)

    async def heal(self, lab: Lab) -> None:
        """Start it if it does not run, which is so only when the injection was cut short."""
        self._ended.clear()
        await super().heal(lab)
