"""A load balancer with one fault for each workload, in what only that workload asks for.

Started as `python broken_for_workloads.py` with the environment that a lab gives to an lb. It
forwards to the real one, as `broken_lb.py` does; to the CMS it is as good as that.
"""

import json
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

sys.path.insert(0, str(Path(__file__).parent))

from broken_lb import CHILD_URL, HTTP, forwarding, serve

JSON = {"Content-Type": "application/json"}


class Faults:
    """What is done wrongly; everything else is left to the real lb."""

    def __init__(self) -> None:
        self._counts: dict[str, bytes] = {}
        self._clients: set[str] = set()

    async def __call__(self, request: web.Request, body: bytes) -> web.Response | None:
        operation = request.path.rpartition("/")[2]
        if request.method == "DELETE":
            return web.json_response({})  # lifecycle: a drop is acknowledged and not done.
        if operation == "count":
            return await self._old_count(request)
        first = json.loads(body)["ids"][0] if operation in ("add", "update") else ""
        if operation == "update" and first.startswith("register/"):
            return await self._ask(request, "upsert", body)  # register: it makes what is not there.
        if operation == "update" and first.startswith("counter"):
            return await self._update_without_merging(request, body)
        if operation == "add" and first.startswith("batch-"):
            return await self._add_all_or_nothing(request, body)
        return None

    async def _old_count(self, request: web.Request) -> web.Response:
        """For the set workload: every count is what the first one was."""
        if request.path not in self._counts:
            url = request.app[CHILD_URL] + request.path
            async with request.app[HTTP].get(url) as answer:
                self._counts[request.path] = await answer.read()
        return web.Response(body=self._counts[request.path], content_type="application/json")

    async def _update_without_merging(self, request: web.Request, body: bytes) -> web.Response:
        """For the counter workload: an update of one key forgets the keys of other clients."""
        content: dict[str, Any] = json.loads(body)
        mine = set(content["metadatas"][0])
        self._clients |= mine
        content["metadatas"][0] |= dict.fromkeys(self._clients - mine)
        return await self._ask(request, "update", json.dumps(content).encode())

    async def _add_all_or_nothing(self, request: web.Request, body: bytes) -> web.Response | None:
        """For the batch workload: an add does nothing at all when one of its ids is there."""
        asked = json.dumps({"ids": json.loads(body)["ids"], "include": []}).encode()
        found = await self._ask(request, "get", asked)
        assert isinstance(found.body, bytes)
        return web.json_response({}, status=201) if json.loads(found.body)["ids"] else None

    async def _ask(self, request: web.Request, operation: str, body: bytes) -> web.Response:
        path = f"{request.path.rpartition('/')[0]}/{operation}"
        url = request.app[CHILD_URL] + path
        async with request.app[HTTP].post(url, data=body, headers=JSON) as answer:
            return web.json_response(await answer.json(), status=answer.status)


if __name__ == "__main__":
    serve(forwarding(Faults()))
