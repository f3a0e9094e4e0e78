"""Owns the fault in which a server does what it is asked, and nobody hears of it."""

from dataclasses import dataclass

from harness.faults.interception import MOST_REQUESTS, Interception, require
from harness.http_proxy.rules import DropAnswer, Rule, Tally, What


@dataclass(frozen=True)
class DropAnswers(Interception):
    """The first `count` requests that are meant are carried out; their connections end unanswered.

    Only one that the server answered with a success counts: then it was certainly carried out.
    """

    count: int = 1
    what: What = What.WRITES

    def __post_init__(self) -> None:
        require(self.count, 1, MOST_REQUESTS, "a count")

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"drop-answer {self.target} {self.count} {self.what}"

    @property
    def rule(self) -> Rule:
        """Close the connection in place of the answer."""
        return Rule(name=self.name, what=self.what, deed=DropAnswer(), most=self.count)

    def shows(self, tally: Tally) -> str:
        """See a success of the server that was never delivered."""
        if not tally.done:
            return ""
        return f"the server carried out {tally.first}, and the proxy closed the connection"
