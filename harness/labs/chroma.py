"""One plain Chroma server of the lab, with its data in the run's data directory."""

from harness.labs.readiness import answers_ok, probe_client
from harness.labs.server_process import ServerCommand, ServerProcess
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace
from harness.parts.chroma import chroma_command
from harness.parts.part import Part


class ChromaServer:
    """Chroma on 127.0.0.1; it keeps its address and its data when it is started again."""

    def __init__(
        self, name: str, part: Part, port: int, workspace: Workspace, warden: Warden
    ) -> None:
        self.port = port
        self.url = self.url_at(port)
        self.data = workspace.data_directory / name
        command = ServerCommand(
            name=name,
            arguments=(
                *chroma_command(part),
                *("--path", str(self.data), "--host", "127.0.0.1", "--port", str(port)),
            ),
            environment={"ANONYMIZED_TELEMETRY": "False"},
        )
        self.process = ServerProcess(command, workspace, warden)

    @staticmethod
    def url_at(port: int) -> str:
        """Give the address of this server when it is reached through `port`."""
        return f"http://127.0.0.1:{port}"

    async def start(self, timeout_seconds: float) -> None:
        """Start it and return when its heartbeat answers."""
        async with probe_client() as client:

            async def ready() -> bool:
                return await answers_ok(client, f"{self.url}/api/v2/heartbeat")

            await self.process.start(ready, timeout_seconds)
