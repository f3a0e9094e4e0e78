"""The endpoint by which an administrator has an empty log take over what the instances hold."""

import msgspec
from aiohttp import web

from lb.endpoints import respond
from lb.errors import BadRequestError, StandingByError
from lb.guard import LogGuard
from lb.proxy import answering_errors


class TakeOverRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /admin/log/take-over`."""

    from_log: str


class GuardEndpoints:
    """A handler over the `LogGuard`, which is there once this load balancer is active."""

    def __init__(self) -> None:
        self.guard: LogGuard | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return what the application serves."""
        return [web.post("/admin/log/take-over", answering_errors(self.take_over))]

    async def take_over(self, request: web.Request) -> web.Response:
        """Take over, and answer which log this is and what the instances' marks say now."""
        if self.guard is None:
            raise StandingByError("another load balancer is active; this one is standing by")
        body = decode_take_over(await request.read())
        await self.guard.take_over(body.from_log)
        return respond(self.guard.describe())


def decode_take_over(body: bytes) -> TakeOverRequest:
    """Read the body; raises `BadRequestError` that says what is wrong."""
    try:
        return msgspec.json.decode(body, type=TakeOverRequest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequestError(
            f'{error}; send {{"from_log": "LOG_ID"}}, the id that the marks in /status show'
        ) from error
