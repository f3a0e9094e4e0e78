"""Owns the directory in which the commands of a document are run: a checkout without any runs."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# What `make setup` makes beside what is in version control.
_MADE = (".venv", ".tools")


def make_checkout(root: Path, directory: Path) -> None:
    """Fill an empty directory with links to all that a user of the checkout `root` has.

    What commands make (`.runs`) lies in the directory itself.
    """
    listed = subprocess.run(
        ["git", "ls-files"],  # noqa: S607 (the one on the PATH, as make has it)
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    names = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    for name in (*names, *_MADE):
        if (root / name).exists():
            (directory / name).symlink_to(root / name)


def environment_of(directory: Path) -> Mapping[str, str]:
    """Give the environment of somebody who has activated what `make setup` made."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CHROMA_CHAOS_", "PYTEST_", "COV_"))
        or name == "CHROMA_CHAOS_TOXIPROXY"
    }
    path = os.pathsep.join((str(Path(sys.executable).parent), ours.get("PATH", os.defpath)))
    return {**ours, "PATH": path, "PWD": str(directory), "COLUMNS": "100", "TERM": "dumb"}
