"""Owns the fault that sets a server's clock wrong while it runs; its healing sets it right."""

import asyncio
import time
from dataclasses import dataclass

from harness.errors import FaultError, UnsupportedFaultError
from harness.faults import proof
from harness.faults.server_clock import server_seconds
from harness.labs.abilities import OnClocks
from harness.labs.base import Capability, Lab
from harness.polling import poll_until

# Some servers tell their time in whole seconds, and some a second late.
_TOLERANCE_SECONDS = 3.0
_LEAST_SECONDS = 10


@dataclass(frozen=True)
class ClockShift:
    """The server's time of day jumps by `seconds`, ahead or (below 0) back; time goes on.

    Monotonic clocks are not touched, as when an administrator or a time server sets a clock.
    """

    target: str
    seconds: int = 3600

    def __post_init__(self) -> None:
        if abs(self.seconds) < _LEAST_SECONDS:
            raise ValueError(f"less than {_LEAST_SECONDS} s either way cannot be told from delay")

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"clock-shift {self.target} {self.seconds}"

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do."""
        return frozenset({Capability.SHIFT_CLOCK})

    async def inject(self, lab: Lab) -> None:
        """Set the clock wrong."""
        _on_clocks(lab).shift_clock(self.target, self.seconds)

    async def prove_effect(self, lab: Lab) -> str:
        """Ask the server for its time."""
        return await self._see(lab, self.seconds)

    async def heal(self, lab: Lab) -> None:
        """Set it right."""
        _on_clocks(lab).shift_clock(self.target, 0)

    async def prove_healed(self, lab: Lab) -> str:
        """Ask the server for its time."""
        return await self._see(lab, 0)

    async def _see(self, lab: Lab, wanted_seconds: int) -> str:
        last = "it did not tell its time"
        is_instance = self.target in {instance.name for instance in lab.instances}

        async def see() -> str:
            nonlocal last
            try:
                told = await server_seconds(lab.urls()[self.target], is_instance)
            except (OSError, ValueError, asyncio.IncompleteReadError) as error:
                last = f"it did not tell its time: {error!r}"
                return ""
            ahead = told - time.time()
            last = f"it told a time that is {ahead:+.0f} s from ours"
            return last if abs(ahead - wanted_seconds) < _TOLERANCE_SECONDS else ""

        return await poll_until(
            see,
            proof.PROOF_SECONDS,
            lambda: FaultError(
                f"the clock of {self.target} was not seen {wanted_seconds:+d} s from ours ({last})"
            ),
        )


def _on_clocks(lab: Lab) -> OnClocks:
    if not isinstance(lab, OnClocks):
        raise UnsupportedFaultError(
            f"lab {lab.name} cannot set clocks: choose another lab or scenario"
        )
    return lab
