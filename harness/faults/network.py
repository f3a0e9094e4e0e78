"""Owns what all faults of the network share: they act between the load balancer and one server."""

from dataclasses import dataclass

from harness.errors import UnsupportedFaultError
from harness.faults.probe import PATIENCE_SECONDS, Came, Sight, look
from harness.faults.proof import prove
from harness.labs.base import Capability, Lab, Networked, Toxic


@dataclass(frozen=True)
class NetworkFault:
    """A fault that Toxiproxy makes: `toxics` say what connections suffer.

    The server itself stays well, which the proof of the effect sees too: it answers directly.
    """

    target: str

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do."""
        return frozenset({Capability.DEGRADE})

    @property
    def toxics(self) -> tuple[Toxic, ...]:
        """What connections to the server suffer."""
        raise NotImplementedError

    @property
    def patience_seconds(self) -> float:
        """How long a request is waited for, to see the effect."""
        return PATIENCE_SECONDS

    def shows(self, sight: Sight) -> str:
        """Return the evidence that a request through the network suffers, or nothing."""
        raise NotImplementedError

    async def inject(self, lab: Lab) -> None:
        """Degrade the network."""
        await networked(lab).degrade(self.target, self.toxics)

    async def prove_effect(self, lab: Lab) -> str:
        """See a request suffer on its way, and the server answer directly."""
        url = networked(lab).proxied_urls()[self.target]
        failure = f"requests to {self.target} were not seen to suffer"
        evidence = await prove(url, self.shows, failure, self.patience_seconds)
        direct = await look(lab.urls()[self.target])
        return f"{evidence}; directly: {direct.came} after {direct.seconds:.2f} s"

    async def prove_lasting(self, lab: Lab) -> str:
        """See requests suffer still."""
        return await self.prove_effect(lab)

    async def heal(self, lab: Lab) -> None:
        """Let connections through as before."""
        await networked(lab).mend(self.target)

    async def prove_healed(self, lab: Lab) -> str:
        """See a request answered through the network, without suffering."""

        def shows(sight: Sight) -> str:
            well = sight.came is Came.ANSWER and not self.shows(sight)
            return f"a request was answered in {sight.seconds:.2f} s" if well else ""

        url = networked(lab).proxied_urls()[self.target]
        failure = f"requests to {self.target} were not answered again"
        return await prove(url, shows, failure, self.patience_seconds)


def both_ways(kind: str, **attributes: int) -> tuple[Toxic, ...]:
    """Return the same toxic for what goes to the server and for what comes from it."""
    return tuple(Toxic(kind, stream, attributes) for stream in ("upstream", "downstream"))


def networked(lab: Lab) -> Networked:
    """Return the lab as one whose network can be broken; raises `UnsupportedFaultError`."""
    if not isinstance(lab, Networked):
        raise UnsupportedFaultError(
            f"lab {lab.name} cannot break its network: choose another lab or scenario"
        )
    return lab
