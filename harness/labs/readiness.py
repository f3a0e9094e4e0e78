"""Asking a server whether it answers; what to do about the answer is for others."""

import asyncio
import struct
from typing import Any

import httpx
import msgspec

_TIMEOUT_SECONDS = 2.0


def probe_client() -> httpx.AsyncClient:
    """Make the HTTP client of the probes; it takes no proxy from the environment."""
    transport = httpx.AsyncHTTPTransport(retries=0)
    return httpx.AsyncClient(transport=transport, trust_env=False, timeout=_TIMEOUT_SECONDS)


async def answers_ok(client: httpx.AsyncClient, url: str) -> bool:
    """Tell whether a GET of `url` gives 200."""
    try:
        return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


async def healthy_instances(client: httpx.AsyncClient, lb_url: str) -> int | None:
    """Ask the lb how many instances it takes for healthy; None when it does not tell."""
    try:
        status: Any = msgspec.json.decode((await client.get(f"{lb_url}/status")).content)
    except (httpx.HTTPError, msgspec.DecodeError):
        return None
    count = status.get("healthy_instances") if isinstance(status, dict) else None
    return count if isinstance(count, int) else None


async def postgres_accepts(port: int) -> bool:
    """Tell whether PostgreSQL lets a session in, by the first messages of its protocol.

    A mere TCP connection proves nothing: it is accepted while recovery is still going on.
    https://www.postgresql.org/docs/current/protocol-message-formats.html (StartupMessage)
    """
    startup = b"user\0postgres\0database\0postgres\0\0"
    message = struct.pack("!II", len(startup) + 8, 196608) + startup
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(message)
                answer = await reader.readexactly(1)
                writer.write(b"X" + struct.pack("!I", 4))
                await writer.drain()
            finally:
                writer.close()
                await writer.wait_closed()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    return answer == b"R"
