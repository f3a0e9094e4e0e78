"""Owns how a page is made: its template, escaping, and what a browser may do with it."""

from collections.abc import Mapping
from importlib.resources import files
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.report.palette import NAME as PALETTE
from harness.report.palette import palette
from harness.report.plotting import SCRIPT, STYLE, vendored

PAGE_HEADERS = {
    # A page needs nothing from elsewhere, and what a run says must never become a script.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
FILE_HEADERS = {
    **PAGE_HEADERS,
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
REPORT_HEADERS = {
    **PAGE_HEADERS,
    # A report has its script and its data within it; it gets an origin of its own, and no network.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "sandbox allow-scripts allow-downloads"
    ),
}
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_OWN = ("store.css", "store.js", "icon.svg")


class Renderer:
    """Makes pages and gives out the files that they need; everything is escaped by default."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("harness.store"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "count": lambda value: "-" if value is None else f"{value:,.0f}",
            "seconds": lambda value: "-" if value is None else f"{value:,.3f}",
            "milliseconds": lambda value: "-" if value is None else f"{value:,.1f}",
            "size": _size,
            "short": _short,
            "moment": lambda iso: iso[:16].replace("T", " "),
            "path": lambda name: quote(name, safe="/"),
        }
        directory = files("harness.store") / "static"
        self._static = {name: (directory / name).read_text() for name in _OWN}
        self._static |= {name: vendored(name) for name in (SCRIPT, STYLE)}
        self._static[PALETTE] = palette()

    def page(self, template: str, status: int = 200, **values: object) -> web.Response:
        """Make a page."""
        text = self._templates.get_template(template).render(**values)
        return web.Response(
            text=text, status=status, content_type="text/html", headers=PAGE_HEADERS
        )

    async def static(self, request: web.Request) -> web.Response:
        """Answer a file that pages need."""
        name = request.match_info["file"]
        if name not in self._static:
            raise web.HTTPNotFound(text=f"no page needs a file {name}")
        content_type = _TYPES[f".{name.rpartition('.')[2]}"]
        return web.Response(
            text=self._static[name], content_type=content_type, headers=PAGE_HEADERS
        )


def picture(svg: bytes) -> web.Response:
    """Answer a plot."""
    headers: Mapping[str, str] = {
        **FILE_HEADERS,
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    }
    return web.Response(body=svg, content_type="image/svg+xml", headers=headers)


def _short(command: str) -> str:
    """Name the program of a command without its directory, which says nothing of what it is."""
    program, space, arguments = command.partition(" ")
    is_path = program.startswith("/")
    return f"{program.rpartition('/')[2]}{space}{arguments}" if is_path else command


def _size(size_bytes: int) -> str:
    size = float(size_bytes)
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
