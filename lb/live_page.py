"""The page for people at `/`, its files, and the events that keep it true."""

import logging
from importlib.resources import files

import msgspec
from aiohttp import web

from lb.errors import NotFoundError
from lb.proxy import answering_errors
from lb.status import Status
from lb.watchers import Watchers

log = logging.getLogger(__name__)

CONTENT_TYPES = {
    "index.html": "text/html",
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
HEADERS = {
    # The page needs nothing from elsewhere, and text from an instance must never become a script.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
EVENT_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}
FIRST_LINES = b"retry: 1000\n\n"
"""A browser that lost the stream asks again after that many milliseconds."""


class LivePage:
    """Handlers over a `Status`; `watchers` has to run and to be closed by whoever serves it."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self.watchers = Watchers(self._snapshot)
        directory = files("lb") / "page"
        self._files = {name: (directory / name).read_bytes() for name in CONTENT_TYPES}

    def routes(self) -> list[web.RouteDef]:
        """Return what the application serves for people."""
        return [
            web.get("/", self.page),
            web.get("/page/{file}", answering_errors(self.file)),
            web.get("/events", answering_errors(self.events), allow_head=False),
        ]

    async def page(self, _: web.Request) -> web.Response:
        """Answer the page itself."""
        return self._file("index.html")

    async def file(self, request: web.Request) -> web.Response:
        """Answer a file that the page needs."""
        return self._file(request.match_info["file"])

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Answer snapshots, as long as the watcher reads them."""
        with self.watchers.place():
            response = web.StreamResponse(headers=EVENT_HEADERS)
            await response.prepare(request)
            try:
                await response.write(FIRST_LINES)
                await self.watchers.stream(response.write)
            except TimeoutError:
                log.info("a watcher of the live page does not read, and is dropped")
                if request.transport is not None:
                    request.transport.abort()
            except ConnectionError:
                log.debug("a watcher of the live page has left")
        return response

    def _file(self, name: str) -> web.Response:
        if name not in self._files:
            raise NotFoundError(f"the page has no file {name}")
        return web.Response(
            body=self._files[name],
            content_type=CONTENT_TYPES[name],
            charset="utf-8",
            headers=HEADERS,
        )

    def _snapshot(self) -> bytes:
        return msgspec.json.encode({**self._status.status(), "history": self._status.history()})
