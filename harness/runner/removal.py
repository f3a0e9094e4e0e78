"""Owns the end of a run in a system that others use: what it created is removed, and seen gone.

Through the load balancer only, as any client would. What is in doubt may come late, so it is looked
for until nothing was there for a while, on the instances themselves, too.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

from harness.client.housekeeper import Housekeeper
from harness.client.instance_reader import InstanceReader
from harness.errors import InstanceReadError, LeftoverError
from harness.labs.base import Lab
from harness.report.progress import Progress
from harness.runner.guest import guest_of

_TIMEOUT_SECONDS = 30.0
_QUIET_SECONDS = 1.0
_INTERVAL_SECONDS = 0.2


async def remove_created(lab: Lab, seed: int, progress: Progress) -> None:
    """Remove the collections of this run; raises `LeftoverError` that names what stays.

    Does nothing in a lab of our own, which is removed as a whole.
    """
    guest = guest_of(lab, seed)
    if not guest.is_shared:
        return
    async with AsyncExitStack() as stack:
        keeper = Housekeeper(guest.lb_url, guest.guard, guest.headers)
        await stack.enter_async_context(keeper)
        readers = [
            await stack.enter_async_context(InstanceReader(i.name, i.url, guest.prefix))
            for i in lab.instances
        ]
        removed = await _Removal(keeper, readers).carry_out()
    progress.event(f"removed {len(removed)} collections: {', '.join(sorted(removed)) or 'none'}")


class _Removal:
    """Removes and looks, until nothing was there for a while or the time is over."""

    def __init__(self, keeper: Housekeeper, readers: Sequence[InstanceReader]) -> None:
        self._keeper = keeper
        self._readers = readers
        self._removed: set[str] = set()
        self._left: dict[str, str] = {}

    async def carry_out(self) -> set[str]:
        ends = time.monotonic() + _TIMEOUT_SECONDS
        quiet_since: float | None = None
        while quiet_since is None or time.monotonic() < quiet_since + _QUIET_SECONDS:
            self._left = await self._look()
            if not self._left:
                quiet_since = quiet_since or time.monotonic()
            elif time.monotonic() > ends:
                self._complain()
            else:
                quiet_since = None
            await asyncio.sleep(_INTERVAL_SECONDS)
        return self._removed

    async def _look(self) -> dict[str, str]:
        """Remove what is there, and say of what stays why, by name; empty when all is gone."""
        left: dict[str, str] = {}
        try:
            for name in await self._keeper.found():
                if answered := await self._keeper.remove(name):
                    left[name] = answered
                else:
                    self._removed.add(name)
            for reader in self._readers:
                for name in await reader.collections():
                    left.setdefault(name, f"still on {reader.name}")
        except (LeftoverError, InstanceReadError) as error:
            left["all that there is"] = str(error)
        return left

    def _complain(self) -> None:
        what = "; ".join(f"{name} ({reason})" for name, reason in sorted(self._left.items()))
        raise LeftoverError(
            f"not everything that was created is removed: {what}. Look again later by "
            "`chroma-chaos cleanup --lb-url ...`"
        )
