"""The endpoints about mappings: what is not ours, and mapping by hand."""

from typing import Any
from uuid import UUID

import msgspec
from aiohttp import web

from lb.adoption import TENANT, Adoption
from lb.catalogue import Name
from lb.endpoints import respond
from lb.errors import BadRequestError, StandingByError
from lb.proxy import answering_errors

EXAMPLE = '{"collection_name": "docs", "primary_id": "UUID", "replica_id": "UUID"}'


class MappingEndpoints:
    """Handlers over an `Adoption`, which is there once this load balancer is active."""

    def __init__(self, instances: tuple[str, ...]) -> None:
        self._instances = instances
        self.adoption: Adoption | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return what the application serves."""
        return [
            web.post("/admin/create_mapping", answering_errors(self.create_mapping)),
            web.get("/collection/unmanaged", answering_errors(self.unmanaged)),
        ]

    async def create_mapping(self, request: web.Request) -> web.Response:
        """Map a collection to its UUID on every instance, after checking each of them (F6)."""
        adoption = self._active()
        name, uuids = decode_mapping(await request.read(), self._instances)
        collection = await adoption.create_mapping(name, uuids)
        return respond({"collection_id": str(collection.id), "name": name.name, "uuids": uuids})

    async def unmanaged(self, _: web.Request) -> web.Response:
        """List the collections that only some instances have, and the catalogue does not know."""
        unmanaged = [
            {"name": n.name, "tenant": n.tenant, "database": n.database, "uuids": dict(uuids)}
            for n, uuids in self._active().unmanaged.items()
        ]
        return respond({"count": len(unmanaged), "unmanaged": unmanaged})

    def _active(self) -> Adoption:
        if self.adoption is None:
            raise StandingByError("another load balancer is active; this one is standing by")
        return self.adoption


def decode_mapping(body: bytes, instances: tuple[str, ...]) -> tuple[Name, dict[str, UUID]]:
    """Read the body; every instance needs its id, as in `primary_id`."""
    try:
        fields: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        known = {"collection_name", "tenant", "database", *(f"{name}_id" for name in instances)}
        if unknown := fields.keys() - known:
            raise BadRequestError(f"unknown fields {sorted(unknown)}; send {EXAMPLE}")
        name = Name(
            str(fields.get("tenant", TENANT)),
            str(fields.get("database", "default_database")),
            str(fields["collection_name"]),
        )
        return name, {each: UUID(str(fields[f"{each}_id"])) for each in instances}
    except KeyError as error:
        raise BadRequestError(f"{error.args[0]} is missing; send {EXAMPLE}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise BadRequestError(f"{error}; send {EXAMPLE}") from error
