"""Who watches the live page, and what they are sent: the latest snapshot, never a queue of them.

change or tick --> one snapshot for all --> each watcher writes it when it can
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator

from lb.errors import TooManyWatchersError

log = logging.getLogger(__name__)

MOST_WATCHERS = 32
TICK_SECONDS = 1.0
LEAST_GAP_SECONDS = 0.05
"""Between two snapshots, so that an instance that flaps costs little."""
PATIENCE_SECONDS = 5.0
"""How long one that does not read is waited for; what it misses meanwhile is not kept."""

HEARTBEAT = b": there is no snapshot now\n\n"


class Watchers:
    """Sends snapshots as server-sent events; none is made while nobody watches."""

    def __init__(
        self,
        snapshot: Callable[[], bytes],
        most: int = MOST_WATCHERS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._snapshot = snapshot
        self._most = most
        self._patience_seconds = patience_seconds
        self._count = 0
        self._watched = asyncio.Event()
        self._due = asyncio.Event()
        self._event = b""
        self._number = 0
        self._moved = asyncio.Event()
        self._is_closed = False
        self._sending: set[asyncio.Timeout] = set()

    def wake(self) -> None:
        """Have a snapshot sent soon: something has changed."""
        self._due.set()

    def close(self) -> None:
        """End every stream now, and let nobody in."""
        self._is_closed = True
        self._moved.set()
        now = asyncio.get_running_loop().time()
        for timeout in self._sending:
            timeout.reschedule(now)

    async def run(self) -> None:
        """Publish at every change and at least every second, until cancelled."""
        while True:
            await self._watched.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS - LEAST_GAP_SECONDS):
                    await self._due.wait()
            self._due.clear()
            if self._count:
                self._publish()
            await asyncio.sleep(LEAST_GAP_SECONDS)

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Count one watcher inside; raises `TooManyWatchersError`."""
        if self._count >= self._most or self._is_closed:
            raise TooManyWatchersError(f"{self._count} watch already; close another page")
        self._count += 1
        self._watched.set()
        self.wake()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._watched.clear()

    async def stream(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write every event until `close`; raises TimeoutError when one cannot be written."""
        seen = self._number
        while not self._is_closed:
            if seen == self._number:
                await self._moved.wait()
                continue
            seen = self._number
            async with asyncio.timeout(self._patience_seconds) as timeout:
                self._sending.add(timeout)
                try:
                    await write(self._event)
                finally:
                    self._sending.discard(timeout)

    def _publish(self) -> None:
        self._event = self._make()
        self._number += 1
        self._moved.set()
        if not self._is_closed:
            self._moved = asyncio.Event()

    def _make(self) -> bytes:
        try:
            return b"data: " + self._snapshot() + b"\n\n"
        except Exception:
            # Who looks on must not end the service; without data the page says so itself.
            log.exception("no snapshot could be made for the live page")
            return HEARTBEAT
