"""Owns the course of one fault: inject, prove the effect, and heal whatever happens."""

from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
)
from dataclasses import asdict, dataclass

import msgspec

from harness.errors import FaultError, LabError
from harness.faults.base import Fault, Lasting
from harness.labs.base import Lab
from harness.model.fault_window import FaultWindow
from harness.model.history import HistoryWriter
from harness.report.progress import Progress

_HEALINGS = 5


@dataclass(frozen=True)
class Moment:
    """What a fault was injected at, if at any event."""

    trigger: str = ""
    offset_milliseconds: int = 0
    event_ns: int = 0
    event: str = ""

    @property
    def told(self) -> str:
        """The event, for people."""
        return f" {self.offset_milliseconds} ms after {self.trigger}" if self.trigger else ""

    def window(self, index: int, fault: Fault, injected_ns: int) -> FaultWindow:
        """Begin the record of the fault."""
        return FaultWindow(
            index=index,
            fault=fault.name,
            target=fault.target,
            injected_ns=injected_ns,
            **asdict(self),
        )


@dataclass(frozen=True)
class Nemesis:
    """Runs faults against a lab and records each step of theirs."""

    lab: Lab
    log: HistoryWriter
    progress: Progress
    clock: Callable[[], int]
    custody: Callable[[Fault], AbstractAsyncContextManager[None]] = lambda _: nullcontext()
    """Keeps everybody else from starting the fault's target meanwhile."""

    @asynccontextmanager
    async def disrupt(
        self, index: int, fault: Fault, at: AbstractAsyncContextManager[Moment] | None = None
    ) -> AsyncIterator[None]:
        """Keep the fault up for the body; heal it also when the body fails or is cancelled.

        It is injected at once, or within the context `at`, which is left before anything else.
        A fault without a proven effect is recorded as such, as is one that is over before its
        time, and the run goes on: what it then finds is true, but it cannot pass. One that does
        not heal ends the run with `FaultError`, because everything found afterwards would be the
        lab's failure.
        """
        stopped, custody = AsyncExitStack(), AsyncExitStack()
        moment = await stopped.enter_async_context(at) if at is not None else Moment()
        window = moment.window(index, fault, injected_ns=self.clock())
        try:
            async with stopped:
                await custody.enter_async_context(self.custody(fault))
                await fault.inject(self.lab)
            self._note(window, f"{fault.name}: injected{moment.told}")
            window = await self._prove_effect(fault, window)
            yield
            window = await self._prove_lasting(fault, window)
        finally:
            async with custody:
                await self._heal(fault)
            window = msgspec.structs.replace(window, healed_ns=self.clock())
            self._note(window, f"{fault.name}: healed")
        evidence = await fault.prove_healed(self.lab)
        window = msgspec.structs.replace(
            window, heal_observed_ns=self.clock(), heal_evidence=evidence
        )
        self._note(window, f"{fault.name}: {evidence}")

    async def _heal(self, fault: Fault) -> None:
        """Heal, again if need be: a server may end by itself while it is started."""
        for more in reversed(range(_HEALINGS)):
            try:
                await fault.heal(self.lab)
            except LabError as error:
                if not more:
                    raise
                self.progress.event(f"{fault.name}: healed again, because {_first_line(error)}")
            else:
                return

    def note_missed(self, index: int, fault: Fault, moment: Moment, reason: str) -> None:
        """Record a fault that was never injected, because its event was not seen."""
        window = moment.window(index, fault, injected_ns=0)
        window = msgspec.structs.replace(window, effect_evidence=reason)
        self._note(window, f"{fault.name}: NOT INJECTED: {reason}")

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

    async def _prove_lasting(self, fault: Fault, window: FaultWindow) -> FaultWindow:
        """See that the fault was not over before its time; one never seen has nothing to lose."""
        if not isinstance(fault, Lasting) or not window.took_effect:
            return window
        try:
            await fault.prove_lasting(self.lab)
        except FaultError as error:
            window = msgspec.structs.replace(window, ended_early=str(error))
            self._note(window, f"{fault.name}: ENDED EARLY: {error}")
        return window

    def _note(self, window: FaultWindow, text: str) -> None:
        self.log.append(window)
        self.progress.event(text)


def _first_line(error: LabError) -> str:
    return str(error).partition("\n")[0]
