"""`chroma-chaos load`: locust beside a lab, with faults, and never an orphan."""

import os
import shlex
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.checkers.judge import judge
from harness.load.settings import Upload
from harness.model.cost import read_costs
from harness.model.verdict import Outcome
from harness.runner.run_directory import RunDirectory
from harness.workloads.client import WorkloadClient
from harness.workloads.settings import WorkloadSettings
from harness.workloads.traffic import traffic_named
from tests.integration.labs.waiting import wait_until
from tests.marked_processes import processes_marked

pytestmark = [pytest.mark.real, pytest.mark.alone]

BROKEN_LB = Path(__file__).parents[2] / "mutants" / "broken_lb.py"
MARK = "CHROMA_CHAOS_LOAD_TEST"


class LoadRun:
    """The command in a process of its own, whose children are known by a mark."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.mark = uuid.uuid4().hex
        self.directory = RunDirectory(directory / "run")
        self._output = (directory / "output").open("w+")
        arguments = ["load", "--run-directory", str(self.directory.path), *options]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness.cli", *arguments],
            env={**os.environ, MARK: self.mark},
            stdout=self._output,
            stderr=self._output,
        )

    def marked(self) -> list[psutil.Process]:
        return processes_marked(MARK, self.mark)

    def output(self) -> str:
        self._output.seek(0)
        return self._output.read()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._output.close()


@pytest.fixture
def loaded(tmp_path: Path) -> Iterator[LoadRun]:
    """A load at the moment when its users work."""
    load = LoadRun(tmp_path, "--seconds", "60", "--users", "6")

    def works() -> bool:
        assert load.process.poll() is None, load.output()
        return b'"user-0-' in (
            load.directory.history.read_bytes() if load.directory.history.exists() else b""
        )

    try:
        wait_until(works, 60.0, load.output)
        yield load
    finally:
        load.close()


def test_a_load_with_a_fault_is_judged_and_told_like_any_run(tmp_path: Path) -> None:
    options = ("--shape", "ramp", "--users", "6", "--seconds", "10", "--rate-per-user", "3")
    load = LoadRun(tmp_path, *options, "--seed", "7", "--fault", "kill primary at 2 for 3")
    try:
        assert load.process.wait(timeout=120) == 0, load.output()
        told = load.output()
    finally:
        load.close()
    assert load.marked() == []
    history, finals = load.directory.read()
    assert history.fault_windows[0].took_effect
    assert history.fault_windows[0].was_healed
    assert len(finals) == 2
    assert {o.process for o in history.operations} >= {f"user-0-{n}" for n in range(1, 7)}
    assert {"lb", "primary", "locust"} <= {c.server for c in read_costs(load.directory.samples)}
    for line in ("sustained: ", "knee: ", "log drained ", "verdict: pass"):
        assert line in told
    assert "again:   chroma-chaos load --fault 'kill primary at 2 for 3'" in told


def test_a_write_that_a_broken_lb_loses_under_load_is_found(tmp_path: Path) -> None:
    user = WorkloadClient("user-0-2", 7, ("AUTOTEST_7_files_1",), WorkloadSettings())
    uploaded = list(traffic_named("upload").invocations(user, Upload(20, 10)))
    broken = shlex.join([sys.executable, str(BROKEN_LB), "drop_write", uploaded[2].tokens[4]])
    options = ("--traffic", "upload", "--users", "3", "--documents", "20", "--seed", "7")
    load = LoadRun(tmp_path, *options, "--rate-per-user", "0", "--lb-command", broken)
    try:
        assert load.process.wait(timeout=120) == 1, load.output()
    finally:
        load.close()
    history, finals = load.directory.read()
    failed = {v.checker for v in judge(history, finals) if v.outcome is Outcome.FAIL}
    assert "durability" in failed
    assert "availability" not in failed


def test_ctrl_c_stops_the_users_and_the_lab(loaded: LoadRun) -> None:
    loaded.process.send_signal(signal.SIGINT)
    assert loaded.process.wait(timeout=20.0) == 130, loaded.output()
    assert loaded.marked() == []


def test_killing_the_runner_leaves_no_user_and_no_server(loaded: LoadRun) -> None:
    assert any("locust" in " ".join(process.cmdline()) for process in loaded.marked())
    loaded.process.kill()
    wait_until(lambda: not loaded.marked(), 5.0, loaded.marked)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            ["--fault", "primary-down", "--seconds", "10"],
            "chroma-chaos: the faults of primary-down take 15 s: a load of 10 s is too short, say "
            "--seconds 15 or more",
        ),
        (
            ["--traffic", "banking"],
            "chroma-chaos: there is no traffic 'banking'; the kinds are cms, ingest, search, "
            "delete, upload",
        ),
    ],
)
def test_a_wrong_word_is_told_before_anything_is_started(
    options: list[str], line: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "harness.cli", "load", *options]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, timeout=30, check=False
    )
    assert (done.returncode, done.stderr.splitlines()) == (2, [line])
    assert list(tmp_path.iterdir()) == []
