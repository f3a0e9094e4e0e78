"""A load balancer that believes for 30 s that an instance is healthy, from its last answer on.

It stands for those that find failures by a health check alone. Writes go to the first instance that
is believed to be healthy and, when that has answered, to the others; deletes go to all at once;
reads go round. Nothing is tried again, nothing is logged, and an instance that returns gets no more
than what comes then. `HEALTH_SECONDS` changes the 30 s.
"""

import asyncio
import itertools
import json
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import ClientError, ClientSession, TCPConnector, web

HEALTH_SECONDS = float(os.environ.get("HEALTH_SECONDS", "30"))
PROBE_SECONDS = 1.0
COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"
HEARTBEAT = "/api/v2/heartbeat"
WRITES = ("/add", "/upsert", "/update")


@dataclass
class Instance:
    """One Chroma server: `uuids` has its UUID for each collection by the id that clients see."""

    url: str
    answered_at: float = field(default_factory=time.monotonic)
    uuids: dict[str, str] = field(default_factory=dict)

    @property
    def is_healthy(self) -> bool:
        return time.monotonic() - self.answered_at < HEALTH_SECONDS


class Balancer:
    def __init__(self, http: ClientSession) -> None:
        self._http = http
        self.instances = [Instance(os.environ["PRIMARY_URL"]), Instance(os.environ["REPLICA_URL"])]
        self._turn = itertools.count()

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        healthy = [instance for instance in self.instances if instance.is_healthy]
        try:
            if request.method == "POST" and request.path == COLLECTIONS:
                return await self._create(request, body)
            if not healthy:
                return web.json_response({"error": "no instance is healthy"}, status=503)
            if request.path.endswith("/delete"):
                sent = [self._send(each, request, body) for each in healthy]
                return (await asyncio.gather(*sent))[0]
            if request.path.endswith(WRITES):
                answers = [await self._send(each, request, body) for each in healthy]
                return answers[0]
            return await self._send(healthy[next(self._turn) % len(healthy)], request, body)
        except ClientError as error:
            return web.json_response({"error": str(error)}, status=503)

    async def _create(self, request: web.Request, body: bytes) -> web.Response:
        """Create the collection on all instances; the first one's UUID is the id for clients."""
        answers = [await self._send(each, request, body) for each in self.instances]
        found = [json.loads(answer.body)["id"] for answer in answers]
        for instance, uuid in zip(self.instances, found, strict=True):
            instance.uuids[found[0]] = uuid
        return answers[0]

    async def _send(self, instance: Instance, request: web.Request, body: bytes) -> web.Response:
        path = request.path_qs
        for known, uuid in instance.uuids.items():
            path = path.replace(known, uuid)
        headers = {"Content-Type": "application/json"}
        async with self._http.request(
            request.method, instance.url + path, data=body, headers=headers
        ) as answer:
            content = await answer.read()
        instance.answered_at = time.monotonic()
        return web.Response(status=answer.status, body=content, content_type=answer.content_type)

    async def probe(self) -> None:
        """Look for the return of an instance that is not believed to be healthy any more."""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            for instance in self.instances:
                if not instance.is_healthy:
                    await self._look(instance)

    async def _look(self, instance: Instance) -> None:
        try:
            async with asyncio.timeout(PROBE_SECONDS), self._http.get(instance.url + HEARTBEAT):
                instance.answered_at = time.monotonic()
        except (ClientError, TimeoutError):
            return


BALANCER = web.AppKey("BALANCER", Balancer)


async def balance(app: web.Application) -> AsyncIterator[None]:
    # Requests that hang at one instance must not use up the connections to the other.
    connector = TCPConnector(limit=0)
    async with ClientSession(connector=connector, auto_decompress=False) as http:
        app[BALANCER] = Balancer(http)
        probing = asyncio.create_task(app[BALANCER].probe(), name="probing")
        yield
        probing.cancel()


async def handle(request: web.Request) -> web.Response:
    return await request.app[BALANCER].handle(request)


if __name__ == "__main__":
    app = web.Application(client_max_size=1 << 26)
    app.cleanup_ctx.append(balance)
    app.router.add_route("*", "/{path:.*}", handle)
    web.run_app(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        print=None,
        access_log=None,
        shutdown_timeout=0.5,
    )
