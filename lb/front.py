"""Where clients connect: plain requests for Chroma's API are read and answered here, cheaply.

Everything else is aiohttp's: with the first request that is not plain, a connection becomes its
own for good. So all of HTTP is aiohttp's affair, and this knows one shape of a message.
"""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus

from lb.access import Access, Area
from lb.errors import RequestError
from lb.farewell import Farewell
from lb.front_connection import FrontConnection
from lb.payloads import error_body
from lb.plain_http import Head
from lb.proxy import (
    SESSION_HEADER,
    TRANSACTION_HEADER,
    Asked,
    Proxy,
    Reply,
    error_reply,
    session_of,
)

log = logging.getLogger(__name__)

BACKLOG = 128
_TRANSACTION, _SESSION = TRANSACTION_HEADER.lower(), SESSION_HEADER.lower()
_FAULT = Reply(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    error_body("InternalError", "the load balancer failed; its log says how"),
    {"Content-Type": "application/json"},
)


class Front:
    """Accepts connections and has each plain request answered.

    `aiohttp_handler` makes the protocol that takes over a connection, or all of them from the
    beginning, where `is_for_all`.
    """

    def __init__(
        self,
        proxy: Proxy,
        access: Access,
        farewell: Farewell,
        aiohttp_handler: Callable[[], asyncio.Protocol],
        *,
        is_for_all: bool = False,
    ) -> None:
        self._proxy = proxy
        self._access = access
        self._farewell = farewell
        self.aiohttp_handler = aiohttp_handler
        self._is_for_all = is_for_all
        self.connections: set[FrontConnection] = set()
        self.is_closed = False
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> None:
        """Accept connections from now on; raises `OSError`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, host, port, backlog=BACKLOG)

    @property
    def addresses(self) -> str:
        """Where it accepts connections: `host:port`, of a name that stands for several all."""
        sockets = self._server.sockets if self._server is not None else ()
        names = (each.getsockname()[:2] for each in sockets)
        return ", ".join(
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in names
        )

    def stop_listening(self) -> None:
        """Accept no more connections."""
        if self._server is not None:
            self._server.close()

    async def close(self, timeout_seconds: float) -> None:
        """Close what is idle, wait for what is being answered, and cut off what takes too long."""
        self.is_closed = True
        self.stop_listening()
        tasks = {each.serving for each in self.connections if each.serving is not None}
        for connection in tuple(self.connections):
            connection.close_if_idle()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=timeout_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for connection in tuple(self.connections):
            connection.close_if_idle()

    async def answer(self, head: Head, body: bytes, address: str) -> Reply:
        """Return the answer to a request; `address` is where it came from."""
        headers = head.headers
        try:
            self._access.check(Area.CLIENT, headers.get("authorization", ""), is_local=False)
            asked = Asked(
                head.method,
                head.path,
                head.query,
                headers.get("content-type", ""),
                headers.get(_TRANSACTION),
                session_of(headers.get(_SESSION), address),
            )
            return await self._proxy.answer(asked, body)
        except RequestError as error:
            return error_reply(error, {})
        except Exception:
            log.exception("a request could not be answered")
            return _FAULT

    def _accept(self) -> asyncio.Protocol:
        return self.aiohttp_handler() if self._is_for_all else FrontConnection(self)

    @property
    def is_leaving(self) -> bool:
        """Whether each connection ends with its next answer."""
        return self._farewell.is_leaving
