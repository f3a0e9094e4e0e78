"""Owns the fault in which the first requests fail and later ones do not."""

from dataclasses import dataclass

from harness.faults.errors import AnsweredErrors
from harness.faults.interception import MOST_REQUESTS, require
from harness.http_proxy.rules import Answer, Rule, Tally, What


@dataclass(frozen=True)
class FailFirst(AnsweredErrors):
    """The first `count` requests that are meant are answered `status`; the others get through."""

    count: int = 1
    status: int = 503
    what: What = What.WRITES

    def __post_init__(self) -> None:
        require(self.count, 1, MOST_REQUESTS, "a count")
        require(self.status, 400, 599, "a status")

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"fail-first {self.target} {self.count} {self.status} {self.what}"

    @property
    def rule(self) -> Rule:
        """Answer the first ones in the server's place."""
        deed = Answer(self.status)
        return Rule(name=self.name, what=self.what, deed=deed, most=self.count)

    def shows(self, tally: Tally) -> str:
        """See as many as were promised answered so: fewer would be a weaker fault."""
        if tally.done < self.count:
            return ""
        return f"the proxy answered {self.status} to {tally.done} requests, first to {tally.first}"
