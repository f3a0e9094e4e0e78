"""The engine, the images and the labs of the container tests; no engine, no tests, and why."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.compose_project import ROOT, ComposeProject, remove_leftovers, run

BASE = "chroma-chaos/base:offline"


@pytest.fixture(scope="session")
def compose() -> Path:
    """Find Compose; the Makefile brings one where there is none."""
    run("make", "--no-print-directory", "-C", str(ROOT), ".tools/bin/docker-compose")
    return ROOT / ".tools" / "bin" / "docker-compose"


@pytest.fixture(scope="session")
def images(compose: Path) -> None:
    """Have images of what is in this tree; skips where nobody has laid the base for them."""
    if shutil.which("docker") is None:
        pytest.skip("there is no docker command: `make engine` installs one")
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode:
        pytest.skip("no Docker Engine answers: `make engine` starts one")
    if subprocess.run(["docker", "inspect", BASE], capture_output=True, check=False).returncode:
        pytest.skip("the images are not built: `make lab-images-offline` builds them")
    run("make", "--no-print-directory", "-C", str(ROOT), "lab-images-offline")
    remove_leftovers(compose)


@pytest.fixture(scope="module")
def project(
    compose: Path, images: None, request: pytest.FixtureRequest
) -> Iterator[ComposeProject]:
    """Share one lab that is up and healthy among the tests of a module."""
    project = ComposeProject(compose, request.module.__name__.rpartition("test_")[2])
    try:
        project.up()
        yield project
    finally:
        project.down()
