"""The load balancer's own endpoints: health, status, mappings, metrics and administration."""

import math

import msgspec
from aiohttp import web

from lb.errors import BadRequestError, NotFoundError, StandingByError
from lb.metrics import metrics_text
from lb.proxy import answering_errors
from lb.status import Status

LONGEST_FORCE_SECONDS = 86_400


class ForceRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /admin/instances/{name}/health`."""

    healthy: bool
    duration_seconds: float = 60.0


class Endpoints:
    """Handlers over a `Status`."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def routes(self) -> list[web.RouteDef]:
        """Return what the application serves beside Chroma's API."""
        return [
            web.get("/health", self.health),
            web.get("/status", self.status),
            web.get("/wal/status", self.wal_status),
            web.get("/collection/mappings", self.mappings),
            web.get("/metrics", self.metrics),
            web.get("/admin/instances", self.instances),
            web.post("/admin/instances/{name}/health", answering_errors(self.force)),
            web.post("/admin/compare", answering_errors(self.compare)),
        ]

    async def health(self, _: web.Request) -> web.Response:
        """Answer 503 when neither reads nor writes are served, and 200 otherwise."""
        status, body = self._status.health()
        return respond(body, status)

    async def status(self, _: web.Request) -> web.Response:
        """Answer everything at once."""
        return respond(self._status.status())

    async def wal_status(self, _: web.Request) -> web.Response:
        """Answer the log's figures."""
        return respond(self._status.wal_status())

    async def mappings(self, _: web.Request) -> web.Response:
        """Answer the catalogue."""
        return respond(self._status.mappings())

    async def instances(self, _: web.Request) -> web.Response:
        """Answer each instance's state."""
        return respond({"instances": self._status.instances()})

    async def metrics(self, _: web.Request) -> web.Response:
        """Answer Prometheus."""
        return web.Response(
            body=metrics_text(self._status),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )

    async def compare(self, _: web.Request) -> web.Response:
        """Compare all collections on all instances now, and repair what differs."""
        comparer = self._status.comparer
        if comparer is None:
            raise StandingByError("another load balancer is active; this one is standing by")
        reports = await comparer.compare_all()
        return respond({"comparisons": reports, **self._status.comparison()})

    async def force(self, request: web.Request) -> web.Response:
        """Impose a state on an instance for a time (F3)."""
        name = request.match_info["name"]
        if name not in self._status.fleet:
            known = ", ".join(self._status.fleet.names)
            raise NotFoundError(f"no instance {name}; there are: {known}")
        body = decode_force(await request.read())
        instance = self._status.fleet[name]
        instance.force(body.healthy, body.duration_seconds)
        described = {entry["name"]: entry for entry in self._status.instances()}
        return respond(described[name])


def decode_force(body: bytes) -> ForceRequest:
    """Read the body; raises `BadRequestError` that says what is wrong."""
    try:
        force = msgspec.json.decode(body, type=ForceRequest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequestError(
            f'{error}; send {{"healthy": false, "duration_seconds": 60}}'
        ) from error
    duration = force.duration_seconds
    if not (math.isfinite(duration) and 0 < duration <= LONGEST_FORCE_SECONDS):
        raise BadRequestError(f"duration_seconds must be above 0, at most {LONGEST_FORCE_SECONDS}")
    return force


def respond(body: object, status: int = 200) -> web.Response:
    """Write a JSON response."""
    return web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/json"
    )
