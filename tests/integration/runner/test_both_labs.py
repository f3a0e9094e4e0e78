"""One scenario in a lab of processes and in one of containers: verdict and report are alike."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.runner.run_directory import RunDirectory
from tests.integration.labs.containers import needs_containers

pytestmark = [pytest.mark.real, pytest.mark.alone, needs_containers]

SCENARIO = "primary-down"
NUMBER = re.compile(r"[\d.,]+")


def conducted(lab: str, directory: Path) -> RunDirectory:
    words = ("run", SCENARIO, "--lab", lab, "--seed", "7", "--run-directory", str(directory))
    ended = subprocess.run(
        [sys.executable, "-m", "harness.cli", *words],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return RunDirectory(directory)


def shape(value: Any) -> Any:
    """Give what stays the same from run to run: names and kinds, but no figures."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return type(value).__name__ if isinstance(value, int | float) else value


def lines(summary: str) -> list[str]:
    """Give the words of a summary's lines, without figures and the spaces that align them."""
    return [" ".join(NUMBER.sub("#", line).split()) for line in summary.splitlines()]


def test_primary_down_has_the_same_verdict_and_report_in_both(tmp_path: Path) -> None:
    processes = conducted("processes", tmp_path / "processes")
    containers = conducted("compose", tmp_path / "containers")

    def verdict(run: RunDirectory) -> Any:
        return shape(msgspec.json.decode(run.verdict.read_bytes()))

    assert verdict(containers) == verdict(processes)
    assert lines(containers.summary.read_text()) == lines(processes.summary.read_text())
    assert {path.name for path in containers.path.iterdir()} == {
        path.name for path in processes.path.iterdir()
    }

    described = msgspec.json.decode(containers.description.read_bytes())
    assert described["configuration"]["lab"] == "compose"
    assert "--lab compose" in described["command"]
    assert described["versions"].keys() >= {"docker", "primary", "replica", "postgres", "lb"}
