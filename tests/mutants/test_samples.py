"""One mutant of each family in a real lab, with no server left; `make mutants` tries all."""

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest

from tests.marked_processes import processes_marked
from tests.mutants.zoo import ZOO

pytestmark = pytest.mark.real

MARK = "CHROMA_CHAOS_ZOO_TEST"
ROOT = Path(__file__).parents[2]
SECONDS = 240
START_SECONDS = 60.0


def test_the_samples_are_caught_by_the_checkers_that_name_them(tmp_path: Path) -> None:
    samples = [mutant.name for mutant in ZOO.values() if mutant.is_sample]
    mark = uuid.uuid4().hex
    only = [word for name in samples for word in ("--only", name)]
    run = subprocess.run(
        [sys.executable, "-m", "tests.mutants", *only, "--directory", str(tmp_path / "zoo")],
        cwd=ROOT,
        env={**os.environ, MARK: mark},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{len(samples)} of {len(samples)} mutants caught" in run.stdout
    assert processes_marked(MARK, mark) == []


def test_ctrl_c_ends_the_campaign_and_leaves_no_server(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    campaign = subprocess.Popen(
        [sys.executable, "-m", "tests.mutants", "--directory", str(tmp_path / "zoo")],
        cwd=ROOT,
        env={**os.environ, MARK: mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for_mutants(mark, campaign)
        campaign.send_signal(signal.SIGINT)
        _, said = campaign.communicate(timeout=SECONDS)
    finally:
        campaign.kill()
    assert campaign.returncode == 130, said
    assert "stopped by SIGINT" in said
    assert "Warning" not in said
    assert processes_marked(MARK, mark) == []


def wait_for_mutants(mark: str, campaign: "subprocess.Popen[str]") -> None:
    """Return when a mutant runs as the load balancer of a lab."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        commands = [command_of(process) for process in processes_marked(MARK, mark)]
        if any("tests.mutants.launch" in command for command in commands):
            return
        assert campaign.poll() is None, f"the campaign ended: {campaign.communicate()}"
        time.sleep(0.1)
    raise AssertionError(f"no mutant was started within {START_SECONDS} s, only {commands}")


def command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_name_that_is_not_in_the_zoo_is_refused_with_those_that_are() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.mutants", "--only", "unicorn"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 2
    assert "unicorn" in run.stderr
    assert "one-direction" in run.stderr
