"""Owns the fault that keeps a processor from a server; its healing lets it have one again."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from harness.errors import FaultError, LabError, UnsupportedFaultError
from harness.faults import proof
from harness.faults.cpu_load import Load
from harness.faults.kill import Kill
from harness.faults.probe import Came, look
from harness.labs.abilities import OnCpu
from harness.labs.base import Capability, Lab
from harness.polling import poll_until

_PRESS_SECONDS = 1.0
# The kernel counts in tenths of a second, of which the first and the last may be whole ones, and
# tells the time of each process in hundredths.
_PERIODS_SECONDS = 0.2
_ROUNDING_SECONDS = 0.05
# On a busy machine no server may get more, limit or not.
_MOST_PERCENT = 25


@dataclass(frozen=True)
class Pressed:
    """What a server did under load: its answers, its CPU time, and how often it was held back."""

    seconds: float
    answers: int
    cpu_seconds: float
    throttles: int

    def __str__(self) -> str:
        return (
            f"under load for {self.seconds:.2f} s it gave {self.answers} answers, took "
            f"{self.cpu_seconds:.2f} s of CPU time, and was held back {self.throttles} times"
        )


@dataclass(frozen=True)
class CpuLimit(Kill):
    """The server runs for at most `percent` of the time of one processor; it goes on, slowly.

    The healing also starts a server that did not survive that.
    """

    percent: int = 10

    def __post_init__(self) -> None:
        if self.percent > _MOST_PERCENT:
            raise ValueError(f"a busy machine shows no limit above {_MOST_PERCENT} %")

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"cpu-limit {self.target} {self.percent}"

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do."""
        return frozenset({Capability.LIMIT_CPU, Capability.KILL, Capability.RESTART})

    async def inject(self, lab: Lab) -> None:
        """Limit it."""
        await _on_cpu(lab).limit_cpu(self.target, self.percent)

    async def prove_effect(self, lab: Lab) -> str:
        """Give it work, and see that the kernel held it back and it took no more than that."""

        def shows(pressed: Pressed) -> bool:
            most_seconds = (pressed.seconds + _PERIODS_SECONDS) * self.percent / 100
            is_within = 0.0 < pressed.cpu_seconds < most_seconds + _ROUNDING_SECONDS
            return pressed.throttles > 0 and is_within

        return await self._see(lab, shows, f"was not seen to be held to {self.percent} %")

    async def heal(self, lab: Lab) -> None:
        """End the limit; start a server that is dead."""
        await _on_cpu(lab).free_cpu(self.target)
        await super().heal(lab)

    async def prove_healed(self, lab: Lab) -> str:
        """Give it work, and see that it takes more than the limit and is not held back."""

        def shows(pressed: Pressed) -> bool:
            least_seconds = pressed.seconds * self.percent / 100
            return pressed.throttles == 0 and pressed.cpu_seconds > least_seconds

        evidence = await self._see(lab, shows, "was not seen to run freely")
        if (sight := await look(lab.urls()[self.target])).came is not Came.ANSWER:
            raise FaultError(f"{self.target} gave no answer to a direct request, but {sight.came}")
        return evidence

    async def _see(self, lab: Lab, shows: Callable[[Pressed], bool], failure: str) -> str:
        last = "nothing"

        async def see() -> str:
            nonlocal last
            try:
                pressed = await _press(_on_cpu(lab), lab, self.target)
            except LabError as error:
                last = str(error)
                return ""
            last = str(pressed)
            return last if shows(pressed) else ""

        return await poll_until(
            see,
            proof.PROOF_SECONDS,
            lambda: FaultError(f"{self.target} {failure} (last seen: {last})"),
        )


async def _press(limited: OnCpu, lab: Lab, target: str) -> Pressed:
    """Give the server work for a second, or for most of the time that a proof has."""
    is_instance = target in {instance.name for instance in lab.instances}
    load = Load(lab.urls()[target], is_instance)
    throttles, cpu_seconds = await limited.cpu_throttles(target), limited.cpu_seconds(target)
    began = monotonic()
    async with load.pressing():
        await asyncio.sleep(min(_PRESS_SECONDS, proof.PROOF_SECONDS * 0.7))
        # Before the clients go: PostgreSQL ends the process of each, and its account is gone.
        return Pressed(
            monotonic() - began,
            load.answers,
            limited.cpu_seconds(target) - cpu_seconds,
            await limited.cpu_throttles(target) - throttles,
        )


def _on_cpu(lab: Lab) -> OnCpu:
    if not isinstance(lab, OnCpu):
        raise UnsupportedFaultError(
            f"lab {lab.name} cannot limit CPU time: choose another lab or scenario"
        )
    return lab
