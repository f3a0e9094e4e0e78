"""Owns the faults of two load balancers: one takes over from the other, or both serve at once."""

from dataclasses import dataclass, field

from harness.errors import FaultError, UnsupportedFaultError
from harness.faults.probe import PATIENCE_SECONDS, Came, Sight
from harness.faults.proof import prove
from harness.labs.abilities import DoubleLb
from harness.labs.base import Capability, Lab


@dataclass(frozen=True)
class _OfTwo:
    """What the faults of two load balancers have in common: when healed, one serves alone."""

    target: str

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do."""
        return frozenset({Capability.DOUBLE_LB})

    async def heal(self, lab: Lab) -> None:
        """End a second one that did not take over, and see that one is alive."""
        pair = double_lb(lab)
        await pair.end_second_lb()
        if not pair.is_alive(self.target):
            await pair.restart(self.target)

    async def prove_healed(self, lab: Lab) -> str:
        """See one, which answers a client's request."""
        pair = double_lb(lab)

        def shows(sight: Sight) -> str:
            alone = pair.second_lb_url() is None and pair.is_alive(self.target)
            answered = alone and sight.came is Came.ANSWER
            return "one load balancer runs and answered a client's request" if answered else ""

        failure = f"one {self.target} was not seen to serve clients"
        return await prove(lab.lb_url, shows, failure, PATIENCE_SECONDS)


@dataclass(frozen=True)
class RollingDeploy(_OfTwo):
    """A new load balancer is started, new connections go to it, and the old one gets SIGTERM.

    A fault of a moment: it is over when it is injected, and there is nothing left to heal.
    """

    _handed_over: list[tuple[str, str, str]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"rolling-deploy {self.target}"

    async def inject(self, lab: Lab) -> None:
        """Start the new one, and when it answers, let it take over."""
        pair = double_lb(lab)
        await pair.start_second_lb()
        old, new = lab.urls()[self.target], pair.second_lb_url() or ""
        ending = await pair.hand_over()
        self._handed_over.append((old, new, ending))

    async def prove_effect(self, lab: Lab) -> str:
        """See the old one gone, and the new one take a connection of a client."""
        if not self._handed_over:
            raise FaultError(f"{self.target} was not seen to be replaced")
        old, new, ending = self._handed_over[-1]
        before = double_lb(lab).connections_by_lb()

        def shows(sight: Sight) -> str:
            after = double_lb(lab).connections_by_lb()
            taken = after.get(new, 0) - before.get(new, 0)
            if sight.came is not Came.ANSWER or not taken or lab.urls()[self.target] != new:
                return ""
            return f"{old} ended with {ending}; {new} answered at the clients' address"

        failure = f"the new {self.target} was not seen to serve clients"
        return await prove(lab.lb_url, shows, failure, PATIENCE_SECONDS)

    async def heal(self, lab: Lab) -> None:
        """End a new one that did not take over, if the injection was cut short."""
        self._handed_over.clear()
        await super().heal(lab)


@dataclass(frozen=True)
class SecondLb(_OfTwo):
    """Two load balancers on one database serve clients at once: connections go to them in turn."""

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"second-lb {self.target}"

    async def inject(self, lab: Lab) -> None:
        """Start the second one, and let clients reach both."""
        pair = double_lb(lab)
        await pair.start_second_lb()
        pair.share_clients()

    async def prove_effect(self, lab: Lab) -> str:
        """See both alive, and both take connections of clients."""
        pair = double_lb(lab)
        before = pair.connections_by_lb()

        def shows(sight: Sight) -> str:
            both = (lab.urls()[self.target], pair.second_lb_url() or "")
            after = pair.connections_by_lb()
            taken = [after.get(url, 0) - before.get(url, 0) for url in both]
            if not all(taken) or not pair.is_alive(self.target) or not pair.is_second_lb_alive():
                return ""
            return f"{both[0]} and {both[1]} both took connections of clients"

        failure = f"two {self.target} were not seen to serve clients"
        return await prove(lab.lb_url, shows, failure, PATIENCE_SECONDS)


def double_lb(lab: Lab) -> DoubleLb:
    """Return the lab as one with room for two; raises `UnsupportedFaultError`."""
    if not isinstance(lab, DoubleLb):
        raise UnsupportedFaultError(
            f"lab {lab.name} cannot run two load balancers: choose another lab or scenario"
        )
    return lab
