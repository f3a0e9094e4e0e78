"""Load balancers that start in milliseconds: forked from a process that has imported all of it.

A crash test needs a hundred starts, and importing is nearly all that a start costs.
"""

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import httpx

from lb.cli import main
from tests.integration.lb.calls import eventually


class ForkedLoadBalancer:
    """A `chroma-lb` that is started again and again at one address, with one log file."""

    def __init__(
        self, environment: Mapping[str, str], client: httpx.AsyncClient, log_path: Path
    ) -> None:
        self._environment = {**environment, "PORT": str(client.base_url.port)}
        self._client = client
        self._log_path = log_path
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["__main__", __name__])
        self._process: ForkServerProcess | None = None

    async def start(self, **settings: str) -> None:
        """Start it, when it is not running, and return when it serves."""
        environment = {**self._environment, **settings}
        self._process = self._context.Process(
            target=serve, args=(environment, self._log_path), daemon=True
        )
        self._process.start()
        await eventually(self._serves_all, f"it serves; see {self._log_path}")

    async def ended(self, timeout_seconds: float = 10.0) -> int | None:
        """Wait for its end by itself; returns the exit status, None when it still runs."""
        assert self._process is not None
        await asyncio.to_thread(self._process.join, timeout_seconds)
        return self._process.exitcode

    def kill(self) -> None:
        """SIGKILL it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.join()

    async def _serves_all(self) -> bool:
        return bool((await self._client.get("/status")).json()["healthy_instances"] == 2)


def serve(environment: Mapping[str, str], log_path: Path) -> None:
    """Be a `chroma-lb`, as long as the process of the tests lives."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    with log_path.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ.update(environment)
    main([], standalone_mode=False)


def end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
