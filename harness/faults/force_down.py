"""Owns the fault that a deployed load balancer offers: an instance is declared unhealthy by word.

The instance itself stays well. The word has a time after which it ends by itself, so nothing is
left of it even where the runner is killed.
"""

from dataclasses import dataclass

from harness.client.api import HEARTBEAT
from harness.errors import FaultError, UnsupportedFaultError
from harness.faults import proof
from harness.labs.abilities import Forcible
from harness.labs.administration import Administration
from harness.labs.base import Capability, Lab
from harness.labs.readiness import answers_ok, probe_client
from harness.polling import poll_until

# As the example of use-case F3 has it; longer windows say their seconds.
_SECONDS = 60
# The load balancer is told that the instance is well, which it is; then its probes decide again.
_HEALING_SECONDS = 1


@dataclass(frozen=True)
class ForceDown:
    """The load balancer is told for `seconds` that the instance is unhealthy."""

    target: str
    seconds: int = _SECONDS

    @property
    def name(self) -> str:
        """What it does to whom."""
        measure = "" if self.seconds == _SECONDS else f" {self.seconds}"
        return f"force-down {self.target}{measure}"

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do."""
        return frozenset({Capability.FORCE_HEALTH})

    async def inject(self, lab: Lab) -> None:
        """Tell it."""
        await _administration(lab).force(self.target, healthy=False, seconds=self.seconds)

    async def prove_effect(self, lab: Lab) -> str:
        """See the load balancer take the instance for unhealthy by word, though it answers."""
        return await self._prove(lab, healthy=False, failure="was not taken for unhealthy")

    async def prove_lasting(self, lab: Lab) -> str:
        """See that the word has not ended by itself."""
        belief = await _administration(lab).belief(self.target)
        if belief.healthy:
            raise FaultError(f"{self.target} is taken for healthy again: its time was over")
        return "it is taken for unhealthy still"

    async def heal(self, lab: Lab) -> None:
        """Take the word back."""
        await _administration(lab).force(self.target, healthy=True, seconds=_HEALING_SECONDS)

    async def prove_healed(self, lab: Lab) -> str:
        """See the load balancer take it for healthy, and the instance answer.

        From then on it catches up, and the time to converge counts.
        """
        return await self._prove(lab, healthy=True, failure="was not taken for healthy again")

    async def _prove(self, lab: Lab, *, healthy: bool, failure: str) -> str:
        administration = _administration(lab)
        last = "nothing"

        async def see() -> str:
            nonlocal last
            belief = await administration.belief(self.target)
            async with probe_client() as client:
                answers = await answers_ok(client, lab.urls()[self.target] + HEARTBEAT)
            last = f"{belief}, {'answers' if answers else 'does not answer'} a direct request"
            if belief.healthy != healthy or not answers:
                return ""
            word = "healthy" if healthy else "unhealthy"
            return f"the load balancer takes it for {word}, and it answered a direct request"

        def not_seen() -> FaultError:
            return FaultError(
                f"{self.target} {failure} within {proof.PROOF_SECONDS:g} s (last seen: {last})"
            )

        return await poll_until(see, proof.PROOF_SECONDS, not_seen)


def _administration(lab: Lab) -> Administration:
    if not isinstance(lab, Forcible):
        raise UnsupportedFaultError(
            f"lab {lab.name} cannot force an instance's health: choose another lab or scenario"
        )
    return lab.administration()
