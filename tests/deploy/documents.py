"""What the tests of this folder read: YAML files of the project, and schemas."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
SCHEMAS = Path(__file__).parent / "schemas"


def read_yaml(path: str) -> Any:
    """Read the only document of a file of the project."""
    return yaml.safe_load((PROJECT / path).read_text())


def schema(name: str) -> Any:
    """Read a schema of our own."""
    return json.loads((SCHEMAS / f"{name}.json").read_text())


def rendered(overlay: str) -> list[Any]:
    """Let kustomize build the objects of a folder of compose/kubernetes."""
    kustomize = PROJECT / ".tools/bin/kustomize"
    if not kustomize.is_file():
        pytest.skip("there is no kustomize; `make deploy-tools` builds it")
    built = subprocess.run(
        [str(kustomize), "build", str(PROJECT / "compose/kubernetes" / overlay)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return list(yaml.safe_load_all(built.stdout))
