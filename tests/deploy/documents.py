"""What the tests of this folder read: YAML files of the project, and schemas."""

import json
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[2]
SCHEMAS = Path(__file__).parent / "schemas"


def read_yaml(path: str) -> Any:
    """Read the only document of a file of the project."""
    return yaml.safe_load((PROJECT / path).read_text())


def schema(name: str) -> Any:
    """Read a schema of our own."""
    return json.loads((SCHEMAS / f"{name}.json").read_text())
