"""The compose lab reads compose.yaml as Compose itself understands it."""

from pathlib import Path
from typing import Any

import pytest

from harness.labs.containers.compose_file import Service, read_compose
from harness.labs.containers.images import SERVICES
from tests.docker.compose_project import COMPOSE_FILE, ComposeProject

VARIABLES = {"LOG_LEVEL": "DEBUG", "LB_IMAGE": "registry.example.com/lb:3", "CLIENT_TOKEN": ""}


@pytest.fixture(scope="module")
def told(compose: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Compose makes of it; it needs no engine for that."""
    no_images = tmp_path_factory.mktemp("images") / "none.env"
    no_images.touch()
    return ComposeProject(compose, "read", (no_images,), **VARIABLES).configuration


@pytest.fixture(scope="module")
def read() -> dict[str, Service]:
    return dict(read_compose(COMPOSE_FILE.read_text(), VARIABLES).services)


@pytest.mark.parametrize("name", [*SERVICES, "replica-2"])
def test_a_service_is_understood_as_compose_does(
    told: dict[str, Any], read: dict[str, Service], name: str
) -> None:
    theirs, ours = told["services"][name], read[name]
    assert ours.image == theirs["image"]
    assert list(ours.command or []) == (theirs["command"] or [])
    assert ours.environment == theirs.get("environment", {})
    assert {network: list(aliases) for network, aliases in ours.networks.items()} == {
        network: (more or {}).get("aliases", []) for network, more in theirs["networks"].items()
    }
    assert list(ours.ports) == [port["target"] for port in theirs["ports"]]
    assert {volume["source"]: volume["target"] for volume in theirs.get("volumes", [])} == dict(
        ours.volumes
    )
    assert ours.memory_bytes == (int(theirs["mem_limit"]) if "mem_limit" in theirs else None)
    assert ours.is_read_only == theirs.get("read_only", False)
    assert list(ours.cap_drop) == theirs.get("cap_drop", [])
    assert list(ours.security_opt) == theirs.get("security_opt", [])


def test_configurations_and_networks_are_the_same(told: dict[str, Any]) -> None:
    file = read_compose(COMPOSE_FILE.read_text(), VARIABLES)
    assert {name: each["content"] for name, each in told["configs"].items()} == dict(file.configs)
    internal = {name: each.get("internal", False) for name, each in told["networks"].items()}
    assert internal == dict(file.networks)
