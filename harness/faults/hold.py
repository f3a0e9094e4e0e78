"""Owns the fault in which requests arrive late, also those that were given up meanwhile."""

from dataclasses import dataclass

from harness.faults.interception import MOST_REQUESTS, Interception, require
from harness.http_proxy.rules import Hold, Rule, Tally, What

_LONGEST_SECONDS = 600


@dataclass(frozen=True)
class HoldRequests(Interception):
    """The first `count` requests that are meant reach the server `seconds` later.

    Its client may have ended the connection by then: the request is delivered all the same. Only
    one that the server then answered with a success counts.
    """

    seconds: int = 3
    count: int = 1
    what: What = What.WRITES

    def __post_init__(self) -> None:
        require(self.seconds, 1, _LONGEST_SECONDS, "a number of seconds")
        require(self.count, 1, MOST_REQUESTS, "a count")

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"hold {self.target} {self.seconds} {self.count} {self.what}"

    @property
    def rule(self) -> Rule:
        """Hold whole requests."""
        deed = Hold(float(self.seconds))
        return Rule(name=self.name, what=self.what, deed=deed, most=self.count)

    @property
    def longest_seconds(self) -> float:
        """As long as a request is held."""
        return float(self.seconds)

    def shows(self, tally: Tally) -> str:
        """See a request that was delivered late and carried out."""
        if not tally.done:
            return ""
        gone = "; by then its client was gone" if tally.given_up else ""
        return f"{tally.first} was carried out {self.seconds} s after it came{gone}"
