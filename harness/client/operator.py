"""Owns what a person does who runs a load balancer, after a fault: releases what it set aside.

A load balancer that sets writes aside says so at `GET /wal/quarantine`, and sends one on after
`POST /admin/quarantine/{transaction_id}/release`. One that does not know these paths has none.
"""

from contextlib import suppress
from typing import Any

import httpx
import msgspec

from harness.errors import HarnessError
from harness.polling import poll_until

_TIMEOUT_SECONDS = 5.0
_HEALTHY_SECONDS = 15.0


class _NotHealthyError(HarnessError):
    """The time was over; what was set aside is released all the same."""


async def release_quarantined(lb_url: str, instance_count: int) -> int:
    """Release everything, once the lb takes all instances for healthy; returns how many."""
    async with httpx.AsyncClient(
        base_url=lb_url, timeout=_TIMEOUT_SECONDS, trust_env=False
    ) as http:

        async def all_healthy() -> bool:
            status = await _ask(http, "/status")
            return bool(status.get("healthy_instances", instance_count) == instance_count)

        with suppress(_NotHealthyError):
            await poll_until(all_healthy, _HEALTHY_SECONDS, _NotHealthyError, 0.2)
        found = (await _ask(http, "/wal/quarantine")).get("quarantined", [])
        released = 0
        for entry in found:
            url = f"/admin/quarantine/{entry['transaction_id']}/release"
            with suppress(httpx.HTTPError):
                released += (await http.post(url)).is_success
        return released


async def _ask(http: httpx.AsyncClient, path: str) -> dict[str, Any]:
    try:
        answer = await http.get(path)
        found: Any = msgspec.json.decode(answer.content) if answer.is_success else {}
    except (httpx.HTTPError, msgspec.DecodeError):
        return {}
    return found if isinstance(found, dict) else {}
