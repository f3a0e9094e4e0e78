"""The HTTP fault proxy in the lab: a server process of ours before all instances."""

import sys
from collections.abc import Mapping
from types import MappingProxyType

from harness.http_proxy.control import AskTally, Control, LiftRule, SetRule
from harness.http_proxy.rules import Rule, Tally
from harness.http_proxy.server import Route
from harness.labs.runnable import Runnable
from harness.labs.server_process import ServerCommand, ServerProcess
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace


class HttpProxyServer:
    """The server; rules in force are set again when it is started again.

    `control_port` is the one of 127.0.0.1 at which it takes commands.
    """

    def __init__(self, process: Runnable, control_port: int, routes: tuple[Route, ...]) -> None:
        self.process = process
        self.url = f"tcp://127.0.0.1:{control_port}"
        self.entrances: Mapping[str, int] = MappingProxyType(
            {route.target: route.listen_port for route in routes}
        )
        self._control = Control(control_port)
        self._in_force: dict[tuple[str, str], Rule] = {}

    @property
    def targets(self) -> tuple[str, ...]:
        """The servers behind it."""
        return tuple(self.entrances)

    async def start(self, timeout_seconds: float) -> None:
        """Start it and return when it listens everywhere."""
        await self.process.start(self._control.answers, timeout_seconds)
        for (target, _), rule in self._in_force.items():
            await self._control.ask(SetRule(target, rule))

    async def intercept(self, target: str, rule: Rule) -> None:
        """Put a rule in force."""
        self._in_force[target, rule.name] = rule
        await self._control.ask(SetRule(target, rule))

    async def lift(self, target: str, name: str) -> None:
        """End a rule."""
        self._in_force.pop((target, name), None)
        await self._control.ask(LiftRule(target, name))

    async def tally(self, target: str, name: str, *, awaited: bool = False) -> Tally:
        """Ask what a rule has done; where `awaited`, once it has singled out a request."""
        return await self._control.ask(AskTally(target, name, awaited))


class HttpProxyProcess(HttpProxyServer):
    """One that is a process of this machine."""

    process: ServerProcess

    def __init__(
        self, control_port: int, routes: tuple[Route, ...], workspace: Workspace, warden: Warden
    ) -> None:
        command = (sys.executable, "-m", "harness.http_proxy", "127.0.0.1", str(control_port))
        arguments = (*command, *(str(route) for route in routes))
        process = ServerProcess(ServerCommand("http-proxy", arguments), workspace, warden)
        super().__init__(process, control_port, routes)
