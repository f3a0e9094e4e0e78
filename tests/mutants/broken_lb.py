"""A load balancer with one documented fault: it forwards everything to the real one, but for that.

Started as `python broken_lb.py FAULT TARGET` with the environment that a lab gives to an lb. TARGET
is the token of the write to spoil, or the client process whose writes to spoil. The real lb runs
as its child and ends with it.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp import ClientError, ClientSession, web

from harness.labs.ports import PortReservations

BODY_BYTES = 64 * 1024 * 1024
DATABASE = "/api/v2/tenants/default_tenant/databases/default_database/collections"

HTTP = web.AppKey("HTTP", ClientSession)
CHILD_URL = web.AppKey("CHILD_URL", str)
Fault = Callable[[web.Request, bytes], Awaitable[web.Response | None]]


class Faults:
    """Each method answers a request wrongly, or gives `None` to have it forwarded."""

    def __init__(self, target: str) -> None:
        self._target = f'"{target}"'.encode()
        self._requests = 0
        self._done = False

    async def drop_write(self, request: web.Request, body: bytes) -> web.Response | None:
        """Acknowledge one write without doing it."""
        if not self._is_target(request, body):
            return None
        return web.json_response({}, status=201 if request.path.endswith("/add") else 200)

    async def keep_document(self, request: web.Request, body: bytes) -> web.Response | None:
        """Acknowledge one delete by ids without doing it."""
        if self._done or not request.path.endswith("/delete") or "ids" not in json.loads(body):
            return None
        self._done = True
        return web.json_response({"deleted": len(json.loads(body)["ids"])})

    async def write_to_one(self, request: web.Request, body: bytes) -> web.Response | None:
        """Do one write on the primary only, and acknowledge it."""
        if not self._is_target(request, body):
            return None
        name = await self._name_of(request)
        operation = request.path.rpartition("/")[2]
        status = await self._write_to_primary(request.app[HTTP], name, operation, body)
        return web.json_response({}, status=status)

    async def write_phantom(self, request: web.Request, body: bytes) -> web.Response | None:
        """Write to the primary, beside one write, a document that no client wrote."""
        if self._is_target(request, body):
            content = json.loads(body)
            phantom = {key: content[key][:1] for key in ("documents", "metadatas", "embeddings")}
            phantom["ids"] = ["phantom/0"]
            name = await self._name_of(request)
            await self._write_to_primary(
                request.app[HTTP], name, "add", json.dumps(phantom).encode()
            )
        return None

    async def refuse_some(self, request: web.Request, body: bytes) -> web.Response | None:
        """Answer 503 now and then."""
        self._requests += request.method == "POST"
        if self._requests % 25 == 0 and request.method == "POST":
            return web.json_response({"error": "busy"}, status=503)
        return None

    async def read_nothing(self, request: web.Request, body: bytes) -> web.Response | None:
        """Answer every third get by file as if nothing were there yet."""
        is_one = request.path.endswith("/get") and b'"where"' in body
        self._requests += is_one
        if is_one and self._requests % 3 == 0:
            return web.json_response({"ids": [], "metadatas": [], "include": ["metadatas"]})
        return None

    async def count_wrongly(self, request: web.Request, body: bytes) -> web.Response | None:
        """Count everything that instances have applied twice."""
        if request.path != "/wal/status":
            return None
        async with request.app[HTTP].get(f"{request.app[CHILD_URL]}/wal/status") as answer:
            figures = await answer.json()
        figures["successful_syncs"] = 2 * figures["successful_syncs"]
        return web.json_response(figures)

    async def forget_once_primary_was_down(
        self, request: web.Request, body: bytes
    ) -> web.Response | None:
        """Acknowledge without doing them, once the primary was down, all writes of TARGET."""
        self._done = self._done or await self._primary_is_down(request.app[HTTP])
        of_target = self._target[:-1] + b"-file-" in body
        if not (self._done and of_target and request.path.endswith(("/add", "/upsert"))):
            return None
        return web.json_response({}, status=201 if request.path.endswith("/add") else 200)

    async def _primary_is_down(self, http: ClientSession) -> bool:
        try:
            async with http.get(os.environ["PRIMARY_URL"] + "/api/v2/heartbeat"):
                return False
        except ClientError:
            return True

    def _is_target(self, request: web.Request, body: bytes) -> bool:
        return request.path.endswith(("/add", "/upsert")) and self._target in body

    async def _name_of(self, request: web.Request) -> str:
        collection_id = request.path.split("/")[-2]
        url = f"{request.app[CHILD_URL]}{DATABASE}/by-id/{collection_id}"
        async with request.app[HTTP].get(url) as answer:
            name: str = (await answer.json())["name"]
        return name

    async def _write_to_primary(
        self, http: ClientSession, name: str, operation: str, body: bytes
    ) -> int:
        url = os.environ["PRIMARY_URL"] + DATABASE
        async with http.get(f"{url}/{name}") as answer:
            uuid = (await answer.json())["id"]
        headers = {"Content-Type": "application/json"}
        async with http.post(f"{url}/{uuid}/{operation}", data=body, headers=headers) as answer:
            return answer.status


def forwarding(fault: Fault) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Make the handler that forwards what the fault leaves alone."""

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        wrong = await fault(request, body)
        if wrong is not None:
            return wrong
        headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP}
        url = request.app[CHILD_URL] + request.path_qs
        try:
            async with request.app[HTTP].request(
                request.method, url, data=body, headers=headers
            ) as answer:
                return web.Response(
                    status=answer.status,
                    body=await answer.read(),
                    content_type=answer.content_type,
                )
        except ClientError:
            return web.json_response({"error": "the real lb does not answer"}, status=503)

    return handle


HOP_BY_HOP = {"host", "content-length", "connection", "transfer-encoding"}


async def real_lb(app: web.Application) -> AsyncIterator[None]:
    """Run the real lb for as long as the application runs; without it the application ends."""
    ports = PortReservations()
    port = ports.reserve()
    environment: dict[str, Any] = {**os.environ, "PORT": str(port)}
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "lb", env=environment)
    app[CHILD_URL] = f"http://127.0.0.1:{port}"
    async with ClientSession(auto_decompress=False) as http:
        app[HTTP] = http
        yield
    if child.returncode is None:
        child.terminate()
    await child.wait()
    ports.release()


def main(fault: str, target: str) -> None:
    serve(forwarding(getattr(Faults(target), fault)))


def serve(handler: Callable[[web.Request], Awaitable[web.Response]]) -> None:
    """Serve everything with one handler, and run the real lb beside it."""
    app = web.Application(client_max_size=BODY_BYTES)
    app.cleanup_ctx.append(real_lb)
    app.router.add_route("*", "/{path:.*}", handler)
    web.run_app(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        print=None,
        access_log=None,
        shutdown_timeout=0.5,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
