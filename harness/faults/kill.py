"""Owns the fault that kills an instance's server process; its healing starts a new one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from harness.errors import FaultError, UnsupportedFaultError
from harness.faults.probe import look
from harness.labs.base import Capability, Killable, Lab
from harness.polling import poll_until

_PROOF_SECONDS = 10.0


@dataclass(frozen=True)
class Kill:
    """SIGKILL: no goodbye, no flush; connections are refused until it is restarted.

    That the process after the healing is a new one follows from having seen the old one gone.
    """

    target: str
    needs: frozenset[Capability] = frozenset({Capability.KILL, Capability.RESTART})

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"kill {self.target}"

    async def inject(self, lab: Lab) -> None:
        """Kill the server process."""
        await _killable(lab).kill(self.target)

    async def prove_effect(self, lab: Lab) -> str:
        """See the process gone and a direct request refused."""

        async def see() -> str:
            gone = not _killable(lab).is_alive(self.target)
            if gone and await look(lab, self.target) == "refused":
                return "the process is gone and a direct request was refused"
            return ""

        return await _prove(see, f"{self.target} was not seen to refuse requests")

    async def heal(self, lab: Lab) -> None:
        """Start it again, unless it runs."""
        killable = _killable(lab)
        if not killable.is_alive(self.target):
            await killable.restart(self.target)

    async def prove_healed(self, lab: Lab) -> str:
        """See a process again, and a direct request answered."""

        async def see() -> str:
            alive = _killable(lab).is_alive(self.target)
            if alive and await look(lab, self.target) == "answered 200":
                return "a new process answered a direct request with 200"
            return ""

        return await _prove(see, f"{self.target} did not answer again")


async def _prove(see: Callable[[], Awaitable[str]], failure: str) -> str:
    text = f"{failure} within {_PROOF_SECONDS:g} s: see its log in the run directory"
    return await poll_until(see, _PROOF_SECONDS, lambda: FaultError(text))


def _killable(lab: Lab) -> Killable:
    if not isinstance(lab, Killable):
        raise UnsupportedFaultError(f"lab {lab.name} cannot kill: choose another lab or scenario")
    return lab
