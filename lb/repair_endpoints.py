"""The endpoint that repairs one collection by hand."""

import msgspec
from aiohttp import web

from lb.adoption import TENANT
from lb.catalogue import Name
from lb.endpoints import respond
from lb.errors import BadRequestError, StandingByError
from lb.proxy import answering_errors
from lb.repair import Repairs


class RepairRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /admin/collections/{name}/repair`; an empty body is one without fields."""

    tenant: str = TENANT
    database: str = "default_database"
    source: str | None = msgspec.field(default=None, name="from")


class RepairEndpoints:
    """A handler over `Repairs`, which are there once this load balancer is active."""

    def __init__(self) -> None:
        self.repairs: Repairs | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return what the application serves."""
        repair = answering_errors(self.repair)
        return [web.post("/admin/collections/{name}/repair", repair)]

    async def repair(self, request: web.Request) -> web.Response:
        """Begin a repair, and answer what will happen."""
        if self.repairs is None:
            raise StandingByError("another load balancer is active; this one is standing by")
        body = decode_repair(await request.read())
        name = Name(body.tenant, body.database, request.match_info["name"])
        plan = await self.repairs.repair(name, body.source)
        answer = {
            "collection_id": str(plan.collection.id),
            "name": name.name,
            "source": plan.source,
            "copied_to": plan.copied_to,
            "deleted": plan.deleted,
            "checked": plan.checked,
        }
        return respond(answer, 202)


def decode_repair(body: bytes) -> RepairRequest:
    """Read the body; raises `BadRequestError` that says what is wrong."""
    try:
        return msgspec.json.decode(body or b"{}", type=RepairRequest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequestError(f'{error}; send {{"from": "primary"}} or nothing') from error
