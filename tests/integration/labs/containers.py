"""Whether there are containers for tests, and what is there of labs in the engine."""

import pytest

from harness.doctor import examine_containers
from harness.labs.containers.engine import Engine
from harness.labs.containers.project import RUN_LABEL

WHY_NONE = examine_containers().missing or ""
needs_containers = pytest.mark.skipif(bool(WHY_NONE), reason=f"no containers: {WHY_NONE}")


def run_of(lab_data_name: str) -> str:
    """Tell the run's id by the name of its data directory."""
    return lab_data_name.split("-")[2]


def things_of(run_id: str) -> list[str]:
    """Name all containers, networks and volumes of a run."""
    engine = Engine()
    containers, networks, volumes = engine.labelled(f"{RUN_LABEL}={run_id}")
    engine.close()
    return [
        *(str(container["Names"][0]) for container in containers),
        *(str(thing["Name"]) for thing in (*networks, *volumes)),
    ]
