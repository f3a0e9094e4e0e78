"""Load balancers that start in milliseconds: forked from a process that has imported all of it.

A crash test needs a hundred starts, and importing is nearly all that a start costs.
"""

import multiprocessing
import os
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import httpx

from lb.cli import main
from tests.integration.lb.calls import eventually


@dataclass(frozen=True)
class ForkedLoadBalancers:
    """Starts `chroma-lb`, one at a time, at one address; the log file is shared."""

    environment: Mapping[str, str]
    client: httpx.AsyncClient
    log_path: Path
    context: ForkServerContext

    @asynccontextmanager
    async def running(self, **settings: str) -> AsyncIterator[ForkServerProcess]:
        """Start one with further settings, wait until it serves, and kill it in the end."""
        environment = {**self.environment, **settings}
        process = self.context.Process(target=serve, args=(environment, self.log_path), daemon=True)
        process.start()
        try:
            await eventually(self._serves_all, f"it serves; see {self.log_path}")
            yield process
        finally:
            process.kill()
            process.join()

    async def _serves_all(self) -> bool:
        return bool((await self.client.get("/status")).json()["healthy_instances"] == 2)


def forked_load_balancers(
    environment: Mapping[str, str], client: httpx.AsyncClient, log_path: Path
) -> ForkedLoadBalancers:
    """Prepare to start load balancers where a client expects them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__])
    environment = {**environment, "PORT": str(client.base_url.port)}
    return ForkedLoadBalancers(environment, client, log_path, context)


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
