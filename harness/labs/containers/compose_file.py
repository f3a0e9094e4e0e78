"""What compose.yaml says: pure, from its text and the variables to the services and networks.

The file is for `docker compose` too, so its own format is read: that part of it which our file
uses. What is not known here is refused, not passed over.
https://docs.docker.com/reference/compose-file/
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from harness.errors import LabError

_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?:(?P<empty>:?)-(?P<default>[^}]*))?\}|(?P<bare>\w+))"
)
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SIZE = re.compile(r"(\d+)([bkmg]?)b?", re.IGNORECASE)

_READ = frozenset(
    {
        "image",
        "command",
        "environment",
        "networks",
        "ports",
        "volumes",
        "configs",
        "mem_limit",
        "read_only",
        "cap_drop",
        "security_opt",
        "init",
        "tmpfs",
        "user",
    }
)
# What is compose's own business: building, the order of starting, waiting, stopping by hand.
_OF_COMPOSE = frozenset(
    {
        "build",
        "depends_on",
        "healthcheck",
        "labels",
        "memswap_limit",
        "profiles",
        "stop_grace_period",
    }
)


@dataclass(frozen=True)
class Service:
    """One service: what a container of it is made of.

    `networks` has the further names that it has on each, `ports` are those that it publishes, by
    their numbers inside; `volumes` and `configs` say where each of them lies inside.
    """

    name: str
    image: str
    command: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    configs: Mapping[str, str] = field(default_factory=dict)
    memory_bytes: int | None = None
    is_read_only: bool = False
    has_init: bool = False
    user: str = ""
    tmpfs: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()


@dataclass(frozen=True)
class ComposeFile:
    """All services, the networks (and whether each leads nowhere else), and the configurations."""

    services: Mapping[str, Service]
    networks: Mapping[str, bool]
    configs: Mapping[str, str]

    def service(self, name: str) -> Service:
        """Find a service; raises `LabError` that names those there are."""
        if name not in self.services:
            raise LabError(f"compose.yaml has no service {name}; it has {', '.join(self.services)}")
        return self.services[name]


def read_compose(text: str, variables: Mapping[str, str]) -> ComposeFile:
    """Read the file; raises `LabError` for what is not known here."""
    content = _interpolated(yaml.safe_load(text), variables)
    configs = {name: str(said["content"]) for name, said in content.get("configs", {}).items()}
    networks = {
        name: bool((said or {}).get("internal")) for name, said in content["networks"].items()
    }
    services = {name: _service(name, said) for name, said in content["services"].items()}
    return ComposeFile(services, networks, configs)


def _service(name: str, said: Mapping[str, Any]) -> Service:
    if unknown := sorted(said.keys() - _READ - _OF_COMPOSE):
        raise LabError(
            f"compose.yaml: service {name} has {', '.join(unknown)}, which the compose lab does "
            "not know; teach it, or leave that out"
        )
    command = said.get("command")
    size = said.get("mem_limit")
    return Service(
        name=name,
        image=said["image"],
        command=None if command is None else tuple(command),
        environment=_pairs(said.get("environment", {})),
        networks=_networks(said.get("networks", ["default"])),
        ports=tuple(int(str(port).rpartition(":")[2]) for port in said.get("ports", ())),
        volumes=dict(str(volume).split(":", 1) for volume in said.get("volumes", ())),
        configs={config["source"]: config["target"] for config in said.get("configs", ())},
        memory_bytes=None if size is None else _bytes(str(size)),
        is_read_only=bool(said.get("read_only")),
        has_init=bool(said.get("init")),
        user=str(said.get("user", "")),
        tmpfs=tuple(said.get("tmpfs", ())),
        cap_drop=tuple(said.get("cap_drop", ())),
        security_opt=tuple(said.get("security_opt", ())),
    )


def _pairs(said: Mapping[str, Any] | Iterable[str]) -> dict[str, str]:
    if isinstance(said, Mapping):
        return {name: "" if value is None else str(value) for name, value in said.items()}
    return {name: value for name, _, value in (words.partition("=") for words in said)}


def _networks(said: Mapping[str, Any] | Iterable[str]) -> dict[str, tuple[str, ...]]:
    if isinstance(said, Mapping):
        return {name: tuple((more or {}).get("aliases", ())) for name, more in said.items()}
    return dict.fromkeys(said, ())


def _bytes(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if found is None:
        raise LabError(f"compose.yaml: {text!r} is no size like 400m")
    return int(found[1]) * _UNITS[found[2].lower()]


def _interpolated(content: Any, variables: Mapping[str, str]) -> Any:
    """Put the variables in their places, in every text of the file."""
    if isinstance(content, dict):
        return {key: _interpolated(value, variables) for key, value in content.items()}
    if isinstance(content, list):
        return [_interpolated(value, variables) for value in content]
    if not isinstance(content, str):
        return content

    def value_of(found: re.Match[str]) -> str:
        if found["dollar"]:
            return "$"
        value = variables.get(found["name"] or found["bare"])
        if value is None or (found["empty"] and not value):
            return found["default"] or ""
        return value

    return _VARIABLE.sub(value_of, content)
