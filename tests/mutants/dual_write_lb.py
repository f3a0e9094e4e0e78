"""A load balancer without a log: it writes to the primary, then to the replica, then answers.

Nothing is wrong with it until it, or an instance, fails in the middle of a write: what happened on
one instance is then forgotten. Reads go to the primary, whose UUIDs clients see.
"""

import os

from aiohttp import ClientError, ClientSession, web

PRIMARY_URL, REPLICA_URL = os.environ["PRIMARY_URL"], os.environ["REPLICA_URL"]
COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"
WRITES = ("/add", "/upsert", "/delete")
HTTP = web.AppKey("HTTP", ClientSession)


async def sessions(app: web.Application):
    async with ClientSession(auto_decompress=False) as app[HTTP]:
        yield


async def send(request: web.Request, url: str, body: bytes) -> web.Response:
    headers = {"Content-Type": "application/json"}
    async with request.app[HTTP].request(request.method, url, data=body, headers=headers) as answer:
        return web.Response(
            status=answer.status, body=await answer.read(), content_type=answer.content_type
        )


async def replicas_path(http: ClientSession, path: str) -> str:
    """Say in the replica's UUID what the path says in the primary's."""
    uuid, operation = path.split("/")[-2:]
    async with http.get(f"{PRIMARY_URL}{COLLECTIONS}/by-id/{uuid}") as answer:
        name = (await answer.json())["name"]
    async with http.get(f"{REPLICA_URL}{COLLECTIONS}/{name}") as answer:
        return f"{COLLECTIONS}/{(await answer.json())['id']}/{operation}"


async def handle(request: web.Request) -> web.Response:
    body = await request.read()
    try:
        answer = await send(request, PRIMARY_URL + request.path_qs, body)
        if answer.status < 300 and request.method == "POST":
            if request.path.endswith(WRITES):
                path = await replicas_path(request.app[HTTP], request.path)
                await send(request, REPLICA_URL + path, body)
            elif request.path == COLLECTIONS:
                await send(request, REPLICA_URL + COLLECTIONS, body)
        if answer.status < 300 and request.method == "DELETE":
            # Plain Chroma removes a collection by its name, which both know.
            await send(request, REPLICA_URL + request.path_qs, body)
    except ClientError as error:
        return web.json_response({"error": str(error)}, status=503)
    return answer


if __name__ == "__main__":
    app = web.Application(client_max_size=1 << 26)
    app.cleanup_ctx.append(sessions)
    app.router.add_route("*", "/{path:.*}", handle)
    web.run_app(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        print=None,
        access_log=None,
        shutdown_timeout=0.5,
    )
