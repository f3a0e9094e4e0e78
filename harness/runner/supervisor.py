"""Owns what a service manager does in a deployment: a server that ended by itself is started again.

A fault that concerns the process of its target has that in custody until it is healed: what ends
then was ended by the fault, and is started again by its healing.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from harness.errors import LabError
from harness.faults.base import Fault
from harness.labs.abilities import Stoppable
from harness.labs.base import Capability, Lab
from harness.model.history import HistoryWriter
from harness.model.observation import ServerEnding
from harness.report.progress import Progress

_LOOK_SECONDS = 0.1
_DELAY_SECONDS = 1.0
"""Docker and systemd wait for less, hosting platforms for longer."""

_PROXIES = frozenset({"toxiproxy", "http-proxy"})
"""They are the lab's own: one that ends is the lab's failure."""
_NOT_OF_THE_PROCESS = frozenset(
    {
        Capability.CUT,
        Capability.DEGRADE,
        Capability.DISCONNECT,
        Capability.INTERCEPT,
        Capability.SHIFT_CLOCK,
        Capability.FORCE_HEALTH,
    }
)


@dataclass
class Supervisor:
    """Starts servers again, but never one that a fault has in custody, and records each time."""

    lab: Lab
    log: HistoryWriter
    progress: Progress
    clock: Callable[[], int]
    _turns: defaultdict[str, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock), init=False
    )
    _seen_alive: dict[str, int] = field(default_factory=dict, init=False)

    async def watch(self, over: asyncio.Event) -> None:
        """Supervise every server until `over` is set; does nothing in a lab that cannot."""
        if not isinstance(self.lab, Stoppable):
            return
        async with asyncio.TaskGroup() as watches:
            for server in self.lab.targets:
                if server not in _PROXIES:
                    watches.create_task(self._watch(self.lab, server, over), name=f"keep {server}")

    @asynccontextmanager
    async def custody(self, fault: Fault) -> AsyncIterator[None]:
        """Leave the fault's target alone for the body, if the fault concerns its process.

        One that has just ended by itself is started again first: it cannot be paused, say.
        """
        if fault.needs <= _NOT_OF_THE_PROCESS or not isinstance(self.lab, Stoppable):
            yield
            return
        server = fault.target
        async with self._turns[server]:
            if server in self._seen_alive and not self.lab.is_alive(server):
                await self._start_again(self.lab, server)
            before = self.lab.identity(server)
            try:
                yield
            finally:
                if self.lab.identity(server) == before and not self.lab.is_alive(server):
                    # Nobody has started it again: that is a healing that failed.
                    self._seen_alive.pop(server, None)

    async def _watch(self, lab: Stoppable, server: str, over: asyncio.Event) -> None:
        while not over.is_set():
            if not self._turns[server].locked():
                await self._look(lab, server, over)
            await _pause(over, _LOOK_SECONDS)

    async def _look(self, lab: Stoppable, server: str, over: asyncio.Event) -> None:
        async with self._turns[server]:
            if lab.is_alive(server):
                self._seen_alive[server] = self.clock()
            elif server in self._seen_alive:
                await _pause(over, _DELAY_SECONDS)
                if not over.is_set():
                    await self._start_again(lab, server)

    async def _start_again(self, lab: Stoppable, server: str) -> None:
        ending = lab.ending(server)
        answered_ns, error = 0, ""
        try:
            await lab.restart(server)
            answered_ns = self.clock()
        except LabError as failure:
            # It is tried again: it may end as it starts, or lack another server.
            error = str(failure).partition("\n")[0]
        finally:
            what = "started again" if answered_ns else f"not started again: {error or 'cut short'}"
            self.progress.event(f"{server} ended by itself with {ending}; {what}")
            self.log.append(
                ServerEnding(
                    server=server,
                    alive_ns=self._seen_alive[server],
                    ending=ending,
                    answered_ns=answered_ns,
                    error=error,
                )
            )


async def _pause(over: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(over.wait(), seconds)
    except TimeoutError:
        return
