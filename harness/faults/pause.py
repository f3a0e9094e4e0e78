"""Owns the fault that stops a server process where it is; its healing lets it go on."""

from dataclasses import dataclass

from harness.errors import FaultError, UnsupportedFaultError
from harness.faults.probe import PATIENCE_SECONDS, Came, Sight
from harness.faults.proof import prove
from harness.labs.base import Capability, Lab, Pausable


@dataclass(frozen=True)
class Pause:
    """SIGSTOP: connections are accepted by the kernel, and nothing answers until SIGCONT."""

    target: str

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"pause {self.target}"

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do."""
        return frozenset({Capability.PAUSE})

    async def inject(self, lab: Lab) -> None:
        """Stop the server process."""
        await _pausable(lab).pause(self.target)

    async def prove_effect(self, lab: Lab) -> str:
        """See the process stopped and a direct request unanswered."""

        def shows(sight: Sight) -> str:
            if _pausable(lab).is_paused(self.target) and sight.came is Came.SILENCE:
                return f"the process is stopped and a request was silent for {PATIENCE_SECONDS:g} s"
            return ""

        failure = f"{self.target} was not seen to be silent"
        return await prove(lab.urls()[self.target], shows, failure, PATIENCE_SECONDS)

    async def prove_lasting(self, lab: Lab) -> str:
        """See the process stopped still, without another second of waiting for silence."""
        if not _pausable(lab).is_paused(self.target):
            raise FaultError(f"{self.target} is not stopped any more")
        return "the process is stopped still"

    async def heal(self, lab: Lab) -> None:
        """Let it go on."""
        await _pausable(lab).resume(self.target)

    async def prove_healed(self, lab: Lab) -> str:
        """See the process run, and a direct request answered."""

        def shows(sight: Sight) -> str:
            if not _pausable(lab).is_paused(self.target) and sight.came is Came.ANSWER:
                return "the process goes on and answered a direct request"
            return ""

        failure = f"{self.target} did not answer again"
        return await prove(lab.urls()[self.target], shows, failure, PATIENCE_SECONDS)


def _pausable(lab: Lab) -> Pausable:
    if not isinstance(lab, Pausable):
        raise UnsupportedFaultError(f"lab {lab.name} cannot pause: choose another lab or scenario")
    return lab
