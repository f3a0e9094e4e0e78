"""The two sides that are compared: the load balancer in its lab, and one plain Chroma server.

Whatever is asked of one is asked of the other, and must give the same; a difference marks the lab
as spoilt, so that the next example gets a new one.
"""

import asyncio
import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import chromadb
import httpx
from chromadb.api.models.Collection import Collection
from chromadb.config import Settings

from harness.labs.chroma import ChromaServer
from harness.labs.ports import PortReservations
from harness.labs.processes import ProcessLab, ProcessLabSettings
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace
from harness.parts.chroma import find_chroma

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Handle:
    """One collection as both clients hold it; it may be stale."""

    lb: Collection
    plain: Collection


@dataclass(frozen=True)
class Raised:
    """An exception, as it is compared."""

    type: str
    message: str


class Side:
    """One client. Ids are replaced by the order in which the collections were first seen."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.client = chromadb.HttpClient(
            host=str(parts.hostname),
            port=int(parts.port or 0),
            settings=Settings(anonymized_telemetry=False),
        )
        self.labels: dict[str, str] = {}

    def close(self) -> None:
        """Close the connections, which the client's own `close` leaves open."""
        for server in (self.client._server, self.client._admin_client._server):
            server._session.close()
        self.client.close()

    def label(self, collection: Collection) -> str:
        return self.labels.setdefault(str(collection.id), f"<id {len(self.labels) + 1}>")

    def run(self, call: Callable[[Any], Any], target: Any) -> tuple[Any, Any]:
        """Return what the call gave, and the same in a form that compares with the other side."""
        try:
            result = call(target)
        except Exception as error:  # Whatever the client raises is to be the same.
            message = UUID.sub(lambda found: self._relabel(found[0]), str(error))
            return None, Raised(type(error).__name__, in_order(message))
        return result, self.comparable(result)

    def comparable(self, value: Any) -> Any:
        if isinstance(value, Collection):
            return {
                "id": self.label(value),
                "name": value.name,
                "metadata": value.metadata,
                "configuration": value.configuration_json,
            }
        if isinstance(value, dict):
            return {key: self.comparable(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.comparable(item) for item in value]
        return value.tolist() if hasattr(value, "tolist") else value

    def _relabel(self, uuid: str) -> str:
        return self.labels.get(uuid, uuid)


class World:
    """A lab and a plain server with a client each; `is_spoilt` asks for new ones."""

    def __init__(self, directory: Path, runner: asyncio.Runner) -> None:
        self._runner = runner
        self.is_spoilt = False
        self._lab = ProcessLab(ProcessLabSettings(directory / "lab"))
        workspace = Workspace.create(directory / "plain")
        self._workspace, self._warden = workspace, Warden(workspace)
        self._warden.remove(workspace.data_directory)
        self._ports = PortReservations()
        port = self._ports.reserve()
        self._plain = ChromaServer("plain", find_chroma(), port, workspace, self._warden)
        self._closing = ExitStack()
        try:
            runner.run(self._lab.start())
            runner.run(self._plain.start(30))
            self.lb, self.plain = self._side(self._lab.lb_url), self._side(self._plain.url)
        except BaseException:
            self.stop()
            raise
        self.lb_http = self._http(self._lab.lb_url)
        self.plain_http = self._http(self._plain.url)
        self.instances = {each.name: self._http(each.url) for each in self._lab.instances}

    def _side(self, url: str) -> Side:
        side = Side(url)
        self._closing.callback(side.close)
        return side

    def _http(self, url: str) -> httpx.Client:
        return self._closing.enter_context(httpx.Client(base_url=url, timeout=30))

    def stop(self) -> None:
        """Close every connection and stop every server."""
        self._closing.close()
        self._runner.run(self._lab.stop())
        self._runner.run(self._plain.process.stop(1))
        self._warden.dismiss()
        self._workspace.remove_data()
        self._ports.release()

    def kill(self, target: str) -> None:
        """SIGKILL a server of the lab."""
        self._runner.run(self._lab.kill(target))

    def restart(self, target: str) -> None:
        """Start a server of the lab again; returns when it answers, not when the lb knows it."""
        self._runner.run(self._lab.restart(target))

    def is_alive(self, target: str) -> bool:
        """Tell whether a server of the lab runs."""
        return self._lab.is_alive(target)


class Worlds:
    """Hands out one world for as long as it is fit to be used."""

    def __init__(self, make_directory: Callable[[], Path]) -> None:
        self._make_directory = make_directory
        self._runner = asyncio.Runner()
        self._world: World | None = None

    def get(self) -> World:
        """Return the world, a new one if the last example left it spoilt."""
        if self._world is not None and self._world.is_spoilt:
            self._world.stop()
            self._world = None
        if self._world is None:
            self._world = World(self._make_directory(), self._runner)
        return self._world

    def close(self) -> None:
        """Stop what runs."""
        if self._world is not None:
            self._world.stop()
        self._runner.close()


def in_order(message: str) -> str:
    """Sort the lines of a refusal for several faults: Chroma lists them in any order."""
    prefix = "Validation error: "
    if not message.startswith(prefix):
        return message
    return prefix + "\n".join(sorted(message.removeprefix(prefix).split("\n")))
