"""Owns how a proof looks at an instance: directly, past every proxy of the lab."""

import httpx

from harness.client.api import HEARTBEAT
from harness.labs.base import Lab

_REQUEST_SECONDS = 1.0


async def look(lab: Lab, target: str) -> str:
    """Ask the instance for a heartbeat at its direct URL, and say in words what came."""
    url = next(instance.url for instance in lab.instances if instance.name == target)
    async with httpx.AsyncClient(timeout=_REQUEST_SECONDS, trust_env=False) as http:
        try:
            response = await http.get(url + HEARTBEAT)
        except httpx.ConnectError:
            return "refused"
        except httpx.HTTPError as error:
            return repr(error)
    return f"answered {response.status_code}"
