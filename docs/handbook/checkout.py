"""Owns the directory in which the commands of a document are run: a checkout without any runs."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# What `make setup` makes beside what is in version control.
_MADE = (".venv", ".tools")


class NotSetUpError(Exception):
    """The checkout is older than its `pyproject.toml`: `make setup` brings it up to date."""


def make_checkout(root: Path, directory: Path) -> None:
    """Fill an empty directory with links to all that a user of the checkout `root` has.

    What commands make (`.runs`) lies in the directory itself. Raises `NotSetUpError`.
    """
    # A command that sets up what is missing would install the directory of links.
    if _run(root, "make", "--question", "setup").returncode:
        raise NotSetUpError(f"run `make setup` in {root}")
    listed = _run(root, "git", "ls-files")
    listed.check_returncode()
    names = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    for name in (*names, *_MADE):
        if (root / name).exists():
            (directory / name).symlink_to(root / name)


def environment_of(directory: Path) -> Mapping[str, str]:
    """Give the environment of somebody who has activated what `make setup` made.

    Nothing of the make that may have started this: a make below another one prints more.
    """
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CHROMA_CHAOS_", "PYTEST_", "COV_", "MAKE", "MFLAGS"))
        or name == "CHROMA_CHAOS_TOXIPROXY"
    }
    path = os.pathsep.join((str(Path(sys.executable).parent), ours.get("PATH", os.defpath)))
    return {**ours, "PATH": path, "PWD": str(directory), "COLUMNS": "100", "TERM": "dumb"}


def _run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
