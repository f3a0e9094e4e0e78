"""A lab of containers for the tests: compose.yaml under a name, ports and variables of its own."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.labs.ports import PortReservations

ROOT = Path(__file__).parents[2]
COMPOSE_FILE = ROOT / "compose" / "compose.yaml"
OFFLINE_IMAGES = ROOT / "compose" / "offline" / "images.env"
THIRD_INSTANCE = ROOT / "compose" / "third-instance.env"
NAME_PREFIX = "chroma-chaos-test-"
COMMAND_SECONDS = 240.0
WAIT_SECONDS = "120"
PORT_VARIABLES = {
    "lb": "LB_PORT",
    "lb-2": "LB_2_PORT",
    "primary": "PRIMARY_PORT",
    "replica": "REPLICA_PORT",
    "replica-2": "REPLICA_2_PORT",
    "postgres": "POSTGRES_PORT",
    "toxiproxy": "TOXIPROXY_PORT",
    "locust-master": "LOCUST_PORT",
}


def run(*command: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it printed; a failure tells all that it said."""
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def offline_images() -> dict[str, str]:
    """Give the images that these tests build, by the variables that name them."""
    lines = (line for line in OFFLINE_IMAGES.read_text().splitlines() if "=" in line)
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


class ComposeProject:
    """One lab; its name tells the process that made it, so that leftovers are known for such."""

    def __init__(
        self,
        compose: Path,
        name: str,
        env_files: Sequence[Path] = (OFFLINE_IMAGES,),
        **variables: str,
    ) -> None:
        self.name = f"{NAME_PREFIX}{os.getpid()}-{name}"
        files = [word for path in env_files for word in ("--env-file", str(path))]
        self._command = (str(compose), "--file", str(COMPOSE_FILE), *files)
        self._reservations = PortReservations()
        self._variables = {"LAB_NAME": self.name, **variables}

    @cached_property
    def _ports(self) -> dict[str, int]:
        """Ports of its own, from the moment that it is started."""
        ports = {service: self._reservations.reserve() for service in PORT_VARIABLES}
        self._variables |= {PORT_VARIABLES[service]: str(port) for service, port in ports.items()}
        return ports

    @property
    def urls(self) -> dict[str, str]:
        """Where services are reached on this machine."""
        return {service: f"http://127.0.0.1:{port}" for service, port in self._ports.items()}

    @property
    def postgres_port(self) -> int:
        """Where PostgreSQL is reached past Toxiproxy."""
        return self._ports["postgres"]

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """compose.yaml as Compose understands it, with every profile."""
        printed = self.compose("--profile", "*", "config", "--format", "json")
        return dict(json.loads(printed))

    def compose(self, *arguments: str) -> str:
        """Run Compose on this lab."""
        return run(*self._command, *arguments, environment=self._variables)

    def up(self, *profiles: str) -> None:
        """Start it, or what a profile adds; returns when all is healthy."""
        assert self._ports
        chosen = [word for profile in profiles for word in ("--profile", profile)]
        wait = ("--wait", "--wait-timeout", WAIT_SECONDS)
        self.compose(*chosen, "up", "--detach", "--no-build", "--pull", "never", *wait)

    def down(self) -> None:
        """Remove all of it, with its data."""
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "1")
        self._reservations.release()

    def container(self, service: str) -> str:
        """Name the container of a service."""
        return f"{self.name}-{service}-1"

    def inspect(self, service: str) -> dict[str, Any]:
        """Ask the engine what it knows of the container of a service."""
        return dict(json.loads(run("docker", "inspect", self.container(service)))[0])

    def state(self, service: str) -> dict[str, Any]:
        """Ask for the state of a service's container: Running, ExitCode, OOMKilled, Health."""
        return dict(self.inspect(service)["State"])


def remove_leftovers(compose: Path) -> None:
    """Remove the labs of test runs that did not get so far as to do it."""
    listed = json.loads(run(str(compose), "ls", "--all", "--format", "json"))
    for name in (project["Name"] for project in listed):
        maker = name.removeprefix(NAME_PREFIX).partition("-")[0]
        if name.startswith(NAME_PREFIX) and not Path("/proc", maker).exists():
            run(str(compose), "--project-name", name, "down", "--volumes", "--timeout", "1")
