"""Owns the faults in which requests are answered an error before they reach a server."""

from dataclasses import dataclass

from harness.client.operator import release_quarantined
from harness.faults.interception import Interception, require
from harness.http_proxy.rules import Answer, Rule, Tally, What
from harness.labs.base import Lab


@dataclass(frozen=True)
class AnsweredErrors(Interception):
    """What faults share that answer errors: an operator has work to do afterwards.

    A 5xx may make a load balancer set writes aside until a person decides what becomes of them.
    That person is played here once the fault is healed, when all instances are healthy again:
    everything that was set aside is released, and said so in the evidence.
    """

    async def prove_healed(self, lab: Lab) -> str:
        """See it healed, and do what an operator does then."""
        evidence = await super().prove_healed(lab)
        released = await release_quarantined(lab.lb_url, len(lab.instances))
        return f"{evidence}; an operator released {released} writes" if released else evidence


@dataclass(frozen=True)
class Errors(AnsweredErrors):
    """Every request that is meant is answered `status`; the server never sees it."""

    status: int = 503
    what: What = What.ALL

    def __post_init__(self) -> None:
        require(self.status, 400, 599, "a status")

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"errors {self.target} {self.status} {self.what}"

    @property
    def rule(self) -> Rule:
        """Answer in the server's place."""
        return Rule(name=self.name, what=self.what, deed=Answer(self.status))

    def shows(self, tally: Tally) -> str:
        """See a request that was answered so."""
        if not tally.done:
            return ""
        return f"the proxy answered {self.status} to {tally.done} requests, first to {tally.first}"
