"""The servers of a benchmark: started one by one, without anything between them.

client --> lb --> primary, replica, ... (Chroma)        client --> plain (Chroma)
            |
            +---> postgres

A lab of the harness has Toxiproxy before every server; it would take a share of two cores and of
every latency.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import asyncpg

from bench.data_place import workspace_in
from harness.errors import LabError
from harness.labs.chroma import ChromaServer
from harness.labs.load_balancer import (
    LoadBalancerProcess,
    LoadBalancerSettings,
)
from harness.labs.ports import PortReservations
from harness.labs.postgres import PostgresServer
from harness.labs.processes import ProcessLabSettings
from harness.labs.server_process import ServerProcess, Surroundings
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace
from harness.parts.chroma import find_chroma
from harness.parts.postgres import find_postgres

_START_SECONDS = 30.0
_GRACE_SECONDS = 2.0
_NAMES = ("primary", "replica", "replica-2")


class Server(Protocol):
    """What the rig starts and stops."""

    process: ServerProcess

    async def start(self, timeout_seconds: float) -> None:
        """Start it and return when it answers."""
        ...


class Rig:
    """Starts servers one by one and stops them all; none outlives the process that has it."""

    def __init__(self, workspace: Workspace, warden: Warden) -> None:
        self.workspace = workspace
        self.warden = warden
        self._ports = PortReservations()
        self._servers: list[Server] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, run_directory: Path, data_place: Path) -> "AsyncIterator[Rig]":
        """Make a rig with its logs in the one directory and its data in the other."""
        workspace = workspace_in(data_place, run_directory)
        warden = Warden(workspace)
        warden.remove(workspace.data_directory)
        rig = cls(workspace, warden)
        try:
            yield rig
        finally:
            await rig._close()

    async def add(self, server: Server) -> None:
        """Start a server; raises `LabError`."""
        self._servers.append(server)
        await server.start(_START_SECONDS)

    def port(self) -> int:
        """Reserve a port."""
        return self._ports.reserve()

    async def chroma(self, name: str) -> ChromaServer:
        """Start a Chroma server."""
        server = ChromaServer(name, find_chroma(), self.port(), self.workspace, self.warden)
        await self.add(server)
        return server

    async def postgres(self) -> PostgresServer:
        """Start PostgreSQL, with the durability settings that it comes with."""
        server = PostgresServer(find_postgres(), self.port(), self.workspace, self.warden)
        await self.add(server)
        return server

    async def load_balancer(
        self, instance_urls: Sequence[str], database_url: str, prefix: tuple[str, ...] = ()
    ) -> LoadBalancerProcess:
        """Start the load balancer and return when every instance is healthy.

        `prefix` are words before its command.
        """
        settings = LoadBalancerSettings(
            command=ProcessLabSettings.lb_command,
            ready_path="/api/v2/heartbeat",
            instance_urls=tuple(instance_urls),
            database_url=database_url,
        )
        lb = LoadBalancerProcess(settings, self.port(), self.workspace, self.warden)
        lb.process.surroundings = Surroundings(prefix=prefix)
        await self.add(lb)
        await lb.wait_until_all_healthy(_START_SECONDS)
        return lb

    async def _close(self) -> None:
        # Load balancers, which were started last, may still want to say something to the others.
        lbs = [server for server in self._servers if isinstance(server, LoadBalancerProcess)]
        others = [server for server in self._servers if not isinstance(server, LoadBalancerProcess)]
        for group in (lbs, others):
            stops = (server.process.stop(_GRACE_SECONDS) for server in group)
            await asyncio.gather(*stops, return_exceptions=True)
        await asyncio.to_thread(self.warden.dismiss)
        self.workspace.remove_data()
        self._ports.release()


@dataclass(frozen=True)
class Replicated:
    """A load balancer with its instances and its log."""

    lb: LoadBalancerProcess
    instances: tuple[ChromaServer, ...]
    postgres: PostgresServer

    async def connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        """Open a session on the log's database."""
        return await asyncpg.connect(self.postgres.url)

    async def restart(self, instance: ChromaServer) -> None:
        """Start an instance that was killed, and return when it answers."""
        await instance.start(_START_SECONDS)


async def replicated(rig: Rig, instances: int = 2, prefix: tuple[str, ...] = ()) -> Replicated:
    """Start a load balancer in front of so many instances."""
    chromas = tuple([await rig.chroma(name) for name in _NAMES[:instances]])
    postgres = await rig.postgres()
    lb = await rig.load_balancer([c.url for c in chromas], postgres.url, prefix)
    return Replicated(lb, chromas, postgres)


def cpu_seconds(server: Server) -> float:
    """Tell what processor time the server has taken, its children's included."""
    sample = server.process.sample()
    if sample is None:
        raise LabError(f"{server.process.command.name} is dead; see {server.process.log_path}")
    return sample.cpu_seconds


def pid_of(server: Server) -> int:
    """Give the process id of a server that was started."""
    identity = server.process.identity
    if identity is None:
        raise LabError(f"{server.process.command.name} was not started")
    return identity.pid


def port_of(url: str) -> int:
    """Give the port of an address."""
    port = urlsplit(url).port
    if port is None:
        raise LabError(f"no port in {url}")
    return port
