"""The end of clients' connections when the process ends: none is closed under a request.

A client that sends on an idle connection in the moment in which it is closed loses its request, and
does not know whether it was carried out.
"""

import asyncio
from collections.abc import Callable

from aiohttp import hdrs, web

FAREWELL_SECONDS = 0.5
"""A successor's clients wait for so long: it gets the lock after this."""
_LOOK_SECONDS = 0.02


class Farewell:
    """Says with each answer that its connection ends; cuts off only who asks nothing meanwhile."""

    def __init__(self) -> None:
        self.is_leaving = False
        """Whether each answer ends its connection."""

    async def on_response(self, _: web.Request, response: web.StreamResponse) -> None:
        """Let the connection end with this answer, once the process is leaving."""
        if self.is_leaving:
            response.force_close()
            response.headers[hdrs.CONNECTION] = "close"

    async def say(self, connections: Callable[[], int]) -> None:
        """Return when all connections have ended, or the time is over."""
        self.is_leaving = True
        for _ in range(round(FAREWELL_SECONDS / _LOOK_SECONDS)):
            if not connections():
                return
            await asyncio.sleep(_LOOK_SECONDS)
