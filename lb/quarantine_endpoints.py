"""`/wal/quarantine`: which writes are held, and an administrator's word on each of them."""

from typing import Any

from aiohttp import web

from lb.catalogue import Collection
from lb.endpoints import respond
from lb.errors import StandingByError
from lb.model import Entry
from lb.proxy import answering_errors
from lb.quarantine import Quarantine


class QuarantineEndpoints:
    """Handlers over the `Quarantine`, which is there once this load balancer is active."""

    def __init__(self) -> None:
        self.quarantine: Quarantine | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return what the application serves."""
        admin = "/admin/quarantine/{id:.+}"
        return [
            web.get("/wal/quarantine", answering_errors(self.list)),
            web.post(f"{admin}/release", answering_errors(self.release)),
            web.post(f"{admin}/discard", answering_errors(self.discard)),
        ]

    async def list(self, _: web.Request) -> web.Response:
        """List what is quarantined, in the order of the log."""
        held = [describe_held(*each) for each in self._active().quarantined()]
        return respond({"count": len(held), "quarantined": held})

    async def release(self, request: web.Request) -> web.Response:
        """Have a write sent on."""
        entry = await self._active().release(request.match_info["id"])
        return respond({"transaction_id": entry.transaction_id, "decision": "released"})

    async def discard(self, request: web.Request) -> web.Response:
        """Let a write fail, everywhere."""
        entry = await self._active().discard(request.match_info["id"])
        return respond({"transaction_id": entry.transaction_id, "decision": "discarded"})

    def _active(self) -> Quarantine:
        if self.quarantine is None:
            raise StandingByError("another load balancer is active; this one is standing by")
        return self.quarantine


def describe_held(entry: Entry, collection: Collection) -> dict[str, Any]:
    """Describe a quarantined entry; its body stays in the log."""
    assert entry.suspicion is not None
    return {
        "position": entry.position,
        "transaction_id": entry.transaction_id,
        "kind": entry.kind.value,
        "collection": collection.name.name,
        "collection_id": str(collection.id),
        "since": entry.suspicion.since.isoformat(),
        "reason": entry.suspicion.reason,
        "failures": [
            {
                "instance": each.instance,
                "error": each.error,
                "at": each.at.isoformat(),
                "excuse": each.excuse,
            }
            for each in entry.suspicion.failures
        ],
    }
