"""Owns the web application of the run store: its routes, what it refuses, and how it ends."""

import logging
from ipaddress import ip_address
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from harness.errors import RunDirectoryError, UsageError
from harness.store.campaign_pages import CampaignPages
from harness.store.index import Index
from harness.store.renderer import Renderer
from harness.store.run_pages import RunPages

log = logging.getLogger(__name__)

_LOCAL_NAMES = frozenset({"localhost"})


def make_app(root: Path) -> web.Application:
    """Make the application over the runs in `root`; it reads them and writes nothing."""
    renderer = Renderer()
    index = Index(root)
    app = web.Application(middlewares=[_explaining(renderer), _refusing_foreign_names])
    app.add_routes(RunPages(index, renderer).routes())
    app.add_routes(CampaignPages(index, renderer).routes())
    app.router.add_get("/static/{file}", renderer.static)
    return app


class Server:
    """Serves the application at `host` and `port` (0: any that is free) within its context."""

    def __init__(self, root: Path, host: str, port: int) -> None:
        self._runner = web.AppRunner(make_app(root), access_log=None)
        self._host, self._port = host, port

    async def __aenter__(self) -> str:
        """Begin, and return the URL; raises `UsageError` when the address cannot be had."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise UsageError(
                f"{self._host}:{self._port} cannot be served: {error.strerror}; name another --port"
            ) from error
        host, port, *_ = self._runner.addresses[0]
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    async def __aexit__(self, *_: object) -> None:
        """Answer what is under way, and end."""
        await self._runner.cleanup()


@web.middleware
async def _refusing_foreign_names(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a request at a loopback address under another name.

    A foreign page whose name was made to lead here (DNS rebinding) would read the runs otherwise.
    """
    ours = request.transport.get_extra_info("sockname") if request.transport else None
    if ours and ip_address(ours[0]).is_loopback and not _is_local(request.url.host or ""):
        raise web.HTTPForbidden(text="ask for this page at the address that was printed")
    return await handler(request)


def _is_local(host: str) -> bool:
    try:
        return host in _LOCAL_NAMES or ip_address(host).is_loopback
    except ValueError:
        return False


def _explaining(renderer: Renderer) -> Middleware:
    @web.middleware
    async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Turn what went wrong into a page that says so."""
        try:
            return await handler(request)
        except RunDirectoryError as error:
            return renderer.page("trouble.html", 404, trouble=str(error))
        except web.HTTPError as error:
            return renderer.page("trouble.html", error.status, trouble=error.text or error.reason)
        except Exception:
            log.exception("the page %s could not be made", request.path)
            return renderer.page("trouble.html", 500, trouble="this page could not be made")

    return explain
