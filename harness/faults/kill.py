"""Owns the fault that kills an instance's server process; its healing starts a new one."""

from dataclasses import dataclass

from harness.errors import UnsupportedFaultError
from harness.faults.probe import PATIENCE_SECONDS, Came, Sight
from harness.faults.proof import prove
from harness.labs.base import Capability, Killable, Lab


@dataclass(frozen=True)
class Kill:
    """SIGKILL: no goodbye, no flush; connections are refused until it is restarted.

    That the process after the healing is a new one follows from having seen the old one gone.
    """

    target: str

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"kill {self.target}"

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do."""
        return frozenset({Capability.KILL, Capability.RESTART})

    async def inject(self, lab: Lab) -> None:
        """Kill the server process."""
        await _killable(lab).kill(self.target)

    async def prove_effect(self, lab: Lab) -> str:
        """See the process gone and a direct request refused."""

        def shows(sight: Sight) -> str:
            gone = not _killable(lab).is_alive(self.target)
            if gone and sight.came is Came.REFUSAL:
                return "the process is gone and a direct request was refused"
            return ""

        failure = f"{self.target} was not seen to refuse requests"
        return await prove(lab.urls()[self.target], shows, failure, PATIENCE_SECONDS)

    async def prove_lasting(self, lab: Lab) -> str:
        """See that nobody started it meanwhile."""
        return await self.prove_effect(lab)

    async def heal(self, lab: Lab) -> None:
        """Start it again, unless it runs."""
        killable = _killable(lab)
        if not killable.is_alive(self.target):
            await killable.restart(self.target)

    async def prove_healed(self, lab: Lab) -> str:
        """See a process again, and a direct request answered."""

        def shows(sight: Sight) -> str:
            alive = _killable(lab).is_alive(self.target)
            if alive and sight.came is Came.ANSWER:
                return "a new process answered a direct request"
            return ""

        failure = f"{self.target} did not answer again"
        return await prove(lab.urls()[self.target], shows, failure, PATIENCE_SECONDS)


def _killable(lab: Lab) -> Killable:
    if not isinstance(lab, Killable):
        raise UnsupportedFaultError(f"lab {lab.name} cannot kill: choose another lab or scenario")
    return lab
