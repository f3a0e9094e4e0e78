"""compose.yaml as Compose understands it; needs no engine."""

import json
from pathlib import Path

import pytest

from tests.docker.compose_project import THIRD_INSTANCE, ComposeProject, offline_images

IMAGES = {
    "CHROMA_IMAGE": {"primary", "replica", "replica-2"},
    "POSTGRES_IMAGE": {"postgres"},
    "TOXIPROXY_IMAGE": {"toxiproxy"},
    "LB_IMAGE": {"lb", "lb-2"},
    "LOCUST_IMAGE": {"locust-master", "locust-worker"},
}
LINKS = {
    "lb-link": {"lb", "lb-2", "toxiproxy"},
    "primary-link": {"primary", "toxiproxy"},
    "replica-link": {"replica", "toxiproxy"},
    "replica-2-link": {"replica-2", "toxiproxy"},
    "postgres-link": {"postgres", "toxiproxy"},
}


@pytest.fixture(scope="module")
def project(compose: Path) -> ComposeProject:
    return ComposeProject(compose, "file")


def test_every_image_is_taken_from_its_variable(compose: Path) -> None:
    for variable, services in IMAGES.items():
        chosen = ComposeProject(compose, "file", **{variable: "example.com/other:1"})
        named = chosen.configuration["services"].items()
        assert {n for n, s in named if s["image"] == "example.com/other:1"} == services


def test_the_offline_images_stand_in_for_all(project: ComposeProject) -> None:
    assert set(offline_images()) == set(IMAGES) | {"PYTHON_IMAGE", "BUILD_IMAGE"}
    for service in project.configuration["services"].values():
        assert service["image"].endswith(":offline")


def test_public_images_are_pinned(compose: Path) -> None:
    project = ComposeProject(compose, "file", env_files=())
    images = {service["image"] for service in project.configuration["services"].values()}
    assert len(images) == len(IMAGES)
    for image in images:
        name, _, tag = image.rpartition(":")
        assert name
        assert tag == "local" or tag[0].isdigit(), image


def test_every_service_has_a_health_check_and_the_label(project: ComposeProject) -> None:
    for service in project.configuration["services"].values():
        assert "healthcheck" in service
        assert service["labels"] == {"chroma-chaos": "lab"}


def test_networks_and_volumes_have_the_label(project: ComposeProject) -> None:
    for kind in ("networks", "volumes"):
        for described in project.configuration[kind].values():
            assert described["labels"] == {"chroma-chaos": "lab"}


def test_what_is_published_is_published_to_this_machine_alone(project: ComposeProject) -> None:
    published = [
        port for s in project.configuration["services"].values() for port in s.get("ports", ())
    ]
    assert len(published) == 8
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}


def test_each_link_has_two_ends_and_leads_nowhere_else(project: ComposeProject) -> None:
    services = project.configuration["services"]
    links = {
        name: {service for service, described in services.items() if name in described["networks"]}
        for name, network in project.configuration["networks"].items()
        if network.get("internal")
    }
    assert links == LINKS


def test_the_load_balancer_knows_names_of_toxiproxy_alone(project: ComposeProject) -> None:
    environment = project.configuration["services"]["lb"]["environment"]
    urls = [value for name, value in environment.items() if name.endswith("_URL")]
    assert len(urls) == 3
    assert all("toxiproxy.internal:" in url for url in urls)


def test_nothing_of_this_machine_is_mounted(project: ComposeProject) -> None:
    for service in project.configuration["services"].values():
        assert {mount["type"] for mount in service.get("volumes", ())} <= {"volume"}


def test_the_file_of_a_third_instance_starts_it_and_tells_the_load_balancer(compose: Path) -> None:
    project = ComposeProject(compose, "file", env_files=(THIRD_INSTANCE,))
    services = json.loads(project.compose("config", "--format", "json"))["services"]
    assert services["replica-2"]["profiles"] == ["third-instance"]
    urls = services["lb"]["environment"]["REPLICA_URLS"].split(",")
    assert urls == ["http://toxiproxy.internal:8002", "http://toxiproxy.internal:8003"]
