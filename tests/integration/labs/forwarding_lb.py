"""A stand-in load balancer: forwards every request to PRIMARY_URL, and knows nothing else."""

import os

from aiohttp import ClientError, ClientSession, web

PRIMARY_URL = os.environ["PRIMARY_URL"]
SESSION = web.AppKey("session", ClientSession)


async def sessions(app):
    async with ClientSession() as app[SESSION]:
        yield


async def forward(request: web.Request) -> web.Response:
    url = f"{PRIMARY_URL}{request.path_qs}"
    try:
        async with request.app[SESSION].request(
            request.method,
            url,
            data=await request.read(),
            headers={"Content-Type": request.headers.get("Content-Type", "application/json")},
        ) as answer:
            return web.Response(
                status=answer.status, body=await answer.read(), content_type=answer.content_type
            )
    except ClientError as error:
        return web.Response(status=502, text=str(error))


if __name__ == "__main__":
    app = web.Application()
    app.cleanup_ctx.append(sessions)
    app.router.add_route("*", "/{path:.*}", forward)
    web.run_app(app, host=os.environ["HOST"], port=int(os.environ["PORT"]), print=None)
