"""Clients that write to one load balancer and then to another, and what role each has."""

import asyncio
from itertools import count

import httpx

from tests.integration.lb.calls import add, eventually


async def has_role(url: str, role: str) -> bool:
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/health")
    return answer.status_code == 200 and answer.json()["role"] == role


class Writers:
    """Clients that write one document after another to where clients are sent now."""

    def __init__(self, url: str, collection: str) -> None:
        self.url = url
        self.acknowledged: list[str] = []
        self._stop = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._write(collection, number), name=f"writer {number}")
            for number in range(4)
        ]

    async def _write(self, collection: str, writer: int) -> None:
        async with httpx.AsyncClient(timeout=30) as client:
            for number in count():
                if self._stop.is_set():
                    return
                client.base_url = httpx.URL(self.url)
                answer = await add(client, collection, f"w{writer}-{number}")
                assert answer.status_code == 201, answer.text
                self.acknowledged.append(f"w{writer}-{number}")

    async def more(self) -> None:
        """Wait for twenty more writes; a writer that failed ends the wait."""
        before = len(self.acknowledged)

        async def seen() -> bool:
            failed = any(task.done() for task in self._tasks)
            return failed or len(self.acknowledged) > before + 20

        await eventually(seen, "writes succeed")

    async def stop(self) -> None:
        """Let them finish; raises what made one fail."""
        self._stop.set()
        await asyncio.gather(*self._tasks)
