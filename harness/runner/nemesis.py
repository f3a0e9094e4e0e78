"""Owns the course of one fault: inject, prove the effect, and heal whatever happens."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from harness.errors import FaultError
from harness.faults.base import Fault
from harness.labs.base import Lab
from harness.model.fault_window import FaultWindow
from harness.model.history import HistoryWriter
from harness.report.progress import Progress


@dataclass(frozen=True)
class Nemesis:
    """Runs faults against a lab and records each step of theirs."""

    lab: Lab
    log: HistoryWriter
    progress: Progress
    clock: Callable[[], int]

    @asynccontextmanager
    async def disrupt(self, index: int, fault: Fault) -> AsyncIterator[None]:
        """Keep the fault up for the body; heal it also when the body fails or is cancelled.

        A fault without a proven effect is recorded as such and the run goes on: what it then finds
        is true, but it cannot pass. One that does not heal ends the run with `FaultError`, because
        everything found afterwards would be the lab's failure.
        """
        window = FaultWindow(
            index=index, fault=fault.name, target=fault.target, injected_ns=self.clock()
        )
        try:
            self._note(window, f"{fault.name}: injected")
            await fault.inject(self.lab)
            window = await self._prove_effect(fault, window)
            yield
        finally:
            await fault.heal(self.lab)
            window = msgspec.structs.replace(window, healed_ns=self.clock())
            self._note(window, f"{fault.name}: healed")
        evidence = await fault.prove_healed(self.lab)
        window = msgspec.structs.replace(
            window, heal_observed_ns=self.clock(), heal_evidence=evidence
        )
        self._note(window, f"{fault.name}: {evidence}")

    async def _prove_effect(self, fault: Fault, window: FaultWindow) -> FaultWindow:
        try:
            evidence = await fault.prove_effect(self.lab)
        except FaultError as error:
            window = msgspec.structs.replace(window, effect_evidence=str(error))
            self._note(window, f"{fault.name}: NOT PROVEN: {error}")
            return window
        window = msgspec.structs.replace(
            window, effect_observed_ns=self.clock(), effect_evidence=evidence
        )
        self._note(window, f"{fault.name}: {evidence}")
        return window

    def _note(self, window: FaultWindow, text: str) -> None:
        self.log.append(window)
        self.progress.event(text)
