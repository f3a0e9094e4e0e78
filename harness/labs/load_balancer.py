"""The load balancer under test: any command that reads its addresses from the environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import LabError
from harness.labs.readiness import answers_ok, healthy_instances, probe_client
from harness.labs.runnable import Runnable
from harness.labs.server_process import ServerCommand, ServerProcess
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace
from harness.polling import poll_until


@dataclass(frozen=True)
class LoadBalancerSettings:
    """How the load balancer is started, and where it says that it is ready.

    `standby_path` is another place that says so: one that waits for its turn may hold requests.
    `environment` is what it is given besides the addresses.
    """

    command: tuple[str, ...]
    ready_path: str
    instance_urls: tuple[str, ...]
    database_url: str
    name: str = "lb"
    standby_path: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class LoadBalancer:
    """The load balancer at a port of 127.0.0.1; it is given the proxied addresses only.

    It is ready when one of the paths says so.
    """

    process: Runnable

    def __init__(
        self, process: Runnable, port: int, ready_paths: Sequence[str], instance_count: int
    ) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._ready_urls = [self.url + path for path in ready_paths]
        self._instance_count = instance_count

    async def start(self, timeout_seconds: float) -> None:
        """Start it and return when it says that it is ready."""
        async with probe_client() as client:

            async def ready() -> bool:
                for url in self._ready_urls:
                    if await answers_ok(client, url):
                        return True
                return False

            await self.process.start(ready, timeout_seconds)

    async def wait_until_all_healthy(self, timeout_seconds: float) -> None:
        """Return when it takes every instance for healthy; raises `LabError`.

        An lb without `healthy_instances` at `/status` is taken at the word of its ready path.
        """
        last: int | None = None
        async with probe_client() as client:

            async def all_healthy() -> bool:
                nonlocal last
                last = await healthy_instances(client, self.url)
                return last is None or last == self._instance_count

            await poll_until(
                all_healthy,
                timeout_seconds,
                lambda: LabError(
                    f"lb takes {last} of {self._instance_count} instances for healthy after "
                    f"{timeout_seconds:g} s; see {self.url}/status and {self.process.log_path}"
                ),
            )


class LoadBalancerProcess(LoadBalancer):
    """One that is a process of this machine."""

    process: ServerProcess

    def __init__(
        self, settings: LoadBalancerSettings, port: int, workspace: Workspace, warden: Warden
    ) -> None:
        command = ServerCommand(
            name=settings.name,
            arguments=settings.command,
            environment=_environment(settings, port),
        )
        paths = (settings.standby_path, settings.ready_path)
        super().__init__(
            ServerProcess(command, workspace, warden),
            port,
            [path for path in paths if path is not None],
            len(settings.instance_urls),
        )


def _environment(settings: LoadBalancerSettings, port: int) -> dict[str, str]:
    primary, *replicas = settings.instance_urls
    environment = {
        **settings.environment,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PRIMARY_URL": primary,
        "DATABASE_URL": settings.database_url,
        # Sets and dictionaries keep their order from run to run, so that a seed repeats a run.
        "PYTHONHASHSEED": "0",
    }
    if replicas:
        environment["REPLICA_URL"] = replicas[0]
    if len(replicas) > 1:
        environment["REPLICA_URLS"] = ",".join(replicas)
    return environment
