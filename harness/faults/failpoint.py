"""Owns the fault that lets our load balancer crash at a named step of a write."""

import re
from dataclasses import dataclass

from harness.errors import FaultError, UnsupportedFaultError
from harness.faults.kill import Kill
from harness.faults.probe import PATIENCE_SECONDS, Came, Sight
from harness.faults.proof import prove
from harness.labs.abilities import Failing
from harness.labs.base import Capability, Lab
from harness.labs.stopping import CRASHED_AT_FAILPOINT

# What is before the action in the load balancer's own notation, and when to act after it.
_POINT = re.compile(r"[a-z]+(-[a-z]+)*(:[\w-]+)?(\[(kind|transaction)=[^\]\s]+\])?")


@dataclass(frozen=True)
class FailpointCrash(Kill):
    """The load balancer is started anew with a failpoint; a client's write makes it end itself.

    It takes clients that write: without any, the step is never reached.
    """

    point: str = "before-ack"

    def __post_init__(self) -> None:
        if not _POINT.fullmatch(self.point):
            raise ValueError(f"{self.point!r} is not like after-append or before-send:primary")

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"failpoint {self.target} {self.point}"

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do."""
        return frozenset({Capability.FAILPOINT, Capability.STOP, Capability.RESTART})

    async def inject(self, lab: Lab) -> None:
        """Start it with the failpoint."""
        await failing(lab).arm(self.target, self.point)

    async def prove_effect(self, lab: Lab) -> str:
        """See that it ended itself, and that its log names the failpoint."""
        servers = failing(lab)

        def shows(sight: Sight) -> str:
            gone = not servers.is_alive(self.target) and sight.came is Came.REFUSAL
            if not gone or not servers.is_armed(self.target):
                return ""
            ending = servers.ending(self.target)
            if ending != CRASHED_AT_FAILPOINT:
                raise FaultError(f"{self.target} ended with {ending}, not at its failpoint")
            if f"armed: {self.point}=crash" not in _log(lab, self.target):
                raise FaultError(f"the log of {self.target} does not name {self.point}")
            return f"it ended itself with {ending}, armed with {self.point} as its log says"

        failure = f"{self.target} was not seen to crash at {self.point}"
        return await prove(lab.urls()[self.target], shows, failure, PATIENCE_SECONDS)

    async def heal(self, lab: Lab) -> None:
        """Start it again without the failpoint."""
        await failing(lab).disarm(self.target)

    async def prove_healed(self, lab: Lab) -> str:
        """See it run without the failpoint, and a direct request answered."""
        if failing(lab).is_armed(self.target):
            raise FaultError(f"{self.target} still has its failpoint")
        return await super().prove_healed(lab)


def failing(lab: Lab) -> Failing:
    """Return the lab as one whose load balancer has failpoints; raises `UnsupportedFaultError`."""
    if not isinstance(lab, Failing):
        raise UnsupportedFaultError(
            f"lab {lab.name} has no failpoints: choose another lab or scenario"
        )
    return lab


def _log(lab: Lab, target: str) -> str:
    try:
        return lab.log_path(target).read_text(errors="replace")
    except OSError:
        return ""
