"""Owns what all faults of single HTTP requests share: a rule at the proxy, and what that counted.

Such a fault does nothing by itself: it needs requests of the kind that is meant. So its effect is
proven by what the proxy did to some while it was in force, and by nothing else. When none came,
there is no effect, and the run does not pass.
"""

from dataclasses import dataclass

from harness.errors import FaultError, UnsupportedFaultError
from harness.faults import proof
from harness.faults.network import networked
from harness.faults.probe import PATIENCE_SECONDS, Came, Sight
from harness.http_proxy.rules import Rule, Tally
from harness.labs.base import Capability, Interceptable, Interceptor, Lab
from harness.polling import poll_until


@dataclass(frozen=True)
class Interception:
    """A fault that the HTTP proxy makes, by its `rule`."""

    target: str

    @property
    def name(self) -> str:
        """What it does to whom."""
        raise NotImplementedError

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do."""
        return frozenset({Capability.INTERCEPT})

    @property
    def rule(self) -> Rule:
        """What happens to which requests."""
        raise NotImplementedError

    @property
    def longest_seconds(self) -> float:
        """How long one request may take to meet its fate, once it has come."""
        return 0.0

    def shows(self, tally: Tally) -> str:
        """Return the evidence that requests met their fate, or nothing."""
        raise NotImplementedError

    async def inject(self, lab: Lab) -> None:
        """Put the rule in force."""
        await intercepting(lab).intercept(self.target, self.rule)

    async def prove_effect(self, lab: Lab) -> str:
        """Wait until the proxy has done it, while the rule is in force."""
        last = Tally()

        async def see() -> str:
            nonlocal last
            last = await intercepting(lab).tally(self.target, self.rule.name)
            return self.shows(last) if last.in_force else ""

        seconds = proof.PROOF_SECONDS + self.longest_seconds
        return await poll_until(
            see,
            seconds,
            lambda: FaultError(
                f"too few requests came by that {self.name} means, within {seconds:g} s: "
                f"{last.taken} came, {last.done} met their fate"
            ),
        )

    async def heal(self, lab: Lab) -> None:
        """Lift the rule; what is held already still comes late."""
        await intercepting(lab).lift(self.target, self.rule.name)

    async def prove_healed(self, lab: Lab) -> str:
        """See the rule lifted, nothing held, and a request answered through the proxies."""
        proxy, last = intercepting(lab), Tally()

        async def see() -> bool:
            nonlocal last
            last = await proxy.tally(self.target, self.rule.name)
            return not last.in_force and not last.under_way

        await poll_until(
            see,
            proof.PROOF_SECONDS + self.longest_seconds,
            lambda: FaultError(
                f"{self.name} still does its work on {last.under_way} requests: see "
                "logs/http-proxy.log in the run directory"
            ),
        )

        def answered(sight: Sight) -> str:
            well = sight.came is Came.ANSWER
            return f"a request was answered in {sight.seconds:.2f} s" if well else ""

        url = networked(lab).proxied_urls()[self.target]
        failure = f"requests to {self.target} were not answered again"
        evidence = await proof.prove(url, answered, failure, PATIENCE_SECONDS)
        return f"{evidence}; in all {last.done} of {last.taken} requests met their fate"


MOST_REQUESTS = 1_000_000


def intercepting(lab: Lab) -> Interceptor:
    """Return what intercepts in the lab; raises `UnsupportedFaultError`."""
    if not isinstance(lab, Interceptable):
        raise UnsupportedFaultError(
            f"lab {lab.name} cannot intercept requests: choose another lab or scenario"
        )
    return lab.interceptor()


def require(value: int, least: int, most: int, what: str) -> None:
    """Raise `ValueError` when a number of a fault makes no sense."""
    if not least <= value <= most:
        raise ValueError(f"{what} is between {least} and {most}")
