"""Owns the events of one HTTP request: it arrives at a server, and its answer leaves there.

The HTTP proxy stops the request, or the answer, until the fault was injected: not a microsecond
lies between them as far as the load balancer and the server can tell.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from harness.errors import UnsupportedFaultError
from harness.http_proxy.rules import Deed, Rule, StopAnswer, StopRequest, What
from harness.labs.base import Capability, Interceptable, Interceptor, Lab, Need
from harness.triggers.base import Sighting


@dataclass(frozen=True)
class HttpEvent:
    """The next request to `target` of the kind that is meant."""

    word: str
    target: str
    what: What

    @property
    def name(self) -> str:
        """Its words."""
        return f"{self.word} {self.target} {self.what}"

    @property
    def needs(self) -> frozenset[Need]:
        """What it asks of the lab, and of which server."""
        return frozenset({Need(Capability.INTERCEPT, self.target)})

    async def refuse_unsupported(self, lab: Lab) -> None:
        """Raise `UnsupportedFaultError` when no HTTP proxy is before the target."""
        targets = _interceptor(lab).targets
        if self.target not in targets:
            raise UnsupportedFaultError(
                f"{self.name}: lab {lab.name} has no HTTP proxy before {self.target}; there is one "
                f"before {', '.join(targets)}"
            )

    @asynccontextmanager
    async def event(self, lab: Lab) -> AsyncIterator[Sighting]:
        """Stop the next one; it goes on when the context is left."""
        proxy = _interceptor(lab)
        rule = Rule(name=self.name, what=self.what, deed=_DEEDS[self.word], most=1)
        try:
            await proxy.intercept(self.target, rule)
            tally = await proxy.tally(self.target, rule.name, awaited=True)
            yield Sighting(tally.first_ns, tally.first)
        finally:
            await proxy.lift(self.target, rule.name)


_DEEDS: dict[str, Deed] = {"request-arrived": StopRequest(), "response-left": StopAnswer()}


def request_arrived(target: str, what: What = What.WRITES) -> HttpEvent:
    """Make the event: a whole request has come, and the server has not seen it yet."""
    return HttpEvent("request-arrived", target, what)


def response_left(target: str, what: What = What.WRITES) -> HttpEvent:
    """Make the event: the server has answered, and nobody has seen its answer yet."""
    return HttpEvent("response-left", target, what)


def _interceptor(lab: Lab) -> Interceptor:
    if Capability.INTERCEPT not in lab.capabilities or not isinstance(lab, Interceptable):
        raise UnsupportedFaultError(
            f"lab {lab.name} cannot intercept requests: choose another lab or event"
        )
    return lab.interceptor()
