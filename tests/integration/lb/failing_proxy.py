"""An HTTP proxy for tests that answers chosen requests with a 500 in place of the server."""

import asyncio
from collections.abc import Callable

from aiohttp import ClientError, ClientSession, web

Fails = Callable[[bytes], str | None]
"""Whether a write with this body fails, and with which text."""

COMPACTOR = "Error sending message to compactor"
DISK_FULL = "Database error: error returned from database: (code: 13) database or disk is full"
READS = ("/get", "/query")


def nothing_fails(_: bytes) -> str | None:
    return None


class FailingProxy:
    """Forwards to a server whatever `fails` lets through; remembers the writes that came."""

    def __init__(self, upstream_url: str = "") -> None:
        self.upstream_url = upstream_url
        self.fails: Fails = nothing_fails
        self.fails_everything = False
        self.writes: list[bytes] = []
        self._runner: web.AppRunner | None = None
        self._session: ClientSession | None = None

    @property
    def url(self) -> str:
        assert self._runner is not None
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def start(self) -> None:
        self._session = ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()

    async def stop(self) -> None:
        assert self._runner is not None
        assert self._session is not None
        await self._runner.cleanup()
        await self._session.close()

    def be_poisoned_by(self, marker: bytes) -> None:
        """Fail the write that holds the marker, and every one after it."""
        poisoned = asyncio.Event()

        def fails(body: bytes) -> str | None:
            if marker in body:
                poisoned.set()
            return COMPACTOR if poisoned.is_set() else None

        self.fails = fails

    def has_seen(self, marker: bytes) -> bool:
        return any(marker in body for body in self.writes)

    async def _handle(self, request: web.Request) -> web.Response:
        assert self._session is not None
        body = await request.read()
        if self.fails_everything:
            return web.json_response({"error": "InternalError", "message": "broken"}, status=500)
        if request.method != "GET" and not request.path.endswith(READS):
            self.writes.append(body)
            if (text := self.fails(body)) is not None:
                return web.json_response({"error": "InternalError", "message": text}, status=500)
        url = self.upstream_url + request.raw_path
        headers = {"Content-Type": request.headers.get("Content-Type", "")} if body else {}
        try:
            async with self._session.request(
                request.method, url, data=body, headers=headers
            ) as answer:
                return web.Response(
                    status=answer.status,
                    body=await answer.read(),
                    content_type=answer.content_type,
                )
        except ClientError:
            return web.Response(status=502)
