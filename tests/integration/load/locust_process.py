"""Starts locust as a person does, and tells what came of it."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.model.history import History, read_history

PROJECT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Load:
    """A load that has ended."""

    exit_code: int
    output: str
    directory: Path

    @property
    def history(self) -> History:
        return read_history(self.directory / "history.jsonl")


def start(traffic: str, *options: str, cwd: Path | None = None) -> "subprocess.Popen[str]":
    locustfile = PROJECT / "locustfiles" / f"{traffic}.py"
    return subprocess.Popen(
        [sys.executable, "-m", "locust", "-f", str(locustfile), *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
    )


def run(traffic: str, host: str, directory: Path, *options: str) -> Load:
    """Run a load to its end."""
    always = ("--headless", "--only-summary", "--host", host, "--run-directory", str(directory))
    process = start(traffic, *always, *options)
    output, _ = process.communicate(timeout=60)
    return Load(process.returncode, output, directory)
