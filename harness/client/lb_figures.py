"""Owns what the load balancer says of itself; one that says nothing is *unknown*."""

from typing import Any

import httpx
import msgspec

_TIMEOUT_SECONDS = 2.0


async def pending_entries(lb_url: str) -> int | None:
    """How many log entries instances have not applied yet, or nothing if the lb does not say.

    Read from `GET /wal/status`, key `pending_entries`: a number, or a number for each instance.
    """
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False) as http:
            response = await http.get(f"{lb_url}/wal/status")
        status = msgspec.json.decode(response.content) if response.is_success else None
    except (httpx.HTTPError, msgspec.DecodeError):
        return None
    return pending_in(status)


def pending_in(status: Any) -> int | None:
    """Add up the pending entries in a decoded answer; nothing when it has none."""
    pending = status.get("pending_entries") if isinstance(status, dict) else None
    figures = list(pending.values()) if isinstance(pending, dict) else [pending]
    counts = [figure for figure in figures if isinstance(figure, int)]
    return sum(counts) if counts and len(counts) == len(figures) else None
