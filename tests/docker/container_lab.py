"""A `Lab` over a lab of containers, for what these tests do to its load balancer."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from harness.errors import LabError
from harness.labs.base import Capability, Instance, ServerSample
from harness.labs.readiness import answers_ok, probe_client
from harness.labs.server_process import ServerCommand, ServerProcess
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace
from harness.polling import poll_until
from tests.docker.compose_project import ComposeProject, run

START_SECONDS = 30.0
STOP_SECONDS = 10.0


class ContainerLab:
    """A lab that is up already, and stays up. It kills the load balancer, or ends it by SIGTERM."""

    name = "containers"
    capabilities = frozenset({Capability.KILL, Capability.RESTART})
    targets = ("lb",)

    def __init__(self, project: ComposeProject, run_directory: Path, ending: str = "kill") -> None:
        self.run_directory = run_directory
        self.exit_codes: list[int] = []
        self._project = project
        self._ending = ending
        self._companion: tuple[Workspace, Warden, ServerProcess] | None = None
        names = ("primary", "replica")
        self.instances = tuple(Instance(name, project.urls[name]) for name in names)
        self.lb_url = project.urls["lb"]

    @property
    def versions(self) -> Mapping[str, str]:
        return {"lb": self._project.inspect("lb")["Image"]}

    def urls(self) -> Mapping[str, str]:
        return {"lb": self.lb_url}

    async def start(self) -> None: ...

    async def stop(self) -> None:
        if self._companion is not None:
            workspace, warden, process = self._companion
            await process.stop(STOP_SECONDS)
            await asyncio.to_thread(warden.dismiss)
            workspace.remove_data()
            self._companion = None

    def log_path(self, target: str) -> Path:
        raise LabError(f"docker logs {self._project.container(target)}")

    def samples(self) -> tuple[ServerSample, ...]:
        return ()

    def companion(self, command: ServerCommand) -> ServerProcess:
        """Give a process of this machine that ends with the lab: locust."""
        workspace = Workspace.create(self.run_directory)
        warden = Warden(workspace)
        process = ServerProcess(command, workspace, warden)
        self._companion = workspace, warden, process
        return process

    def is_alive(self, target: str) -> bool:
        return bool(self._project.state(target)["Running"])

    async def kill(self, target: str) -> None:
        """End it in the way of this lab: `docker kill`, or `docker stop` with Render's patience."""
        container = self._project.container(target)
        words = ("kill", container) if self._ending == "kill" else ("stop", "-t", "30", container)
        await asyncio.to_thread(run, "docker", *words)
        self.exit_codes.append(int(await asyncio.to_thread(run, "docker", "wait", container)))

    async def restart(self, target: str) -> None:
        await asyncio.to_thread(run, "docker", "start", self._project.container(target))
        async with probe_client() as client:
            await poll_until(
                lambda: answers_ok(client, f"{self.lb_url}/health"),
                START_SECONDS,
                lambda: LabError(f"{target} does not answer after {START_SECONDS:g} s"),
            )
