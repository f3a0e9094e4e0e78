"""A run that is stopped in the middle of a fault heals it, stops the lab and leaves no server."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.runner.run_directory import RunDirectory
from tests.integration.labs.waiting import wait_until
from tests.marked_processes import processes_marked

pytestmark = [pytest.mark.real, pytest.mark.alone]

MARK = "CHROMA_CHAOS_INTERRUPTED_RUN_TEST"


class RunInFault:
    """The command `run primary-down`, at the moment when its fault has taken effect."""

    def __init__(self, directory: Path) -> None:
        self.mark = uuid.uuid4().hex
        self.directory = RunDirectory(directory / "run")
        self._output = (directory / "output").open("w+")
        arguments = ["run", "primary-down", "--run-directory", str(self.directory.path)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness.cli", *arguments],
            env={**os.environ, MARK: self.mark},
            stdout=self._output,
            stderr=self._output,
        )
        wait_until(self._has_fault, 60.0, self.output)

    def _has_fault(self) -> bool:
        assert self.process.poll() is None, self.output()
        return (
            self.directory.history.exists()
            and self.directory.read()[0].fault_windows.get(0) is not None
            and self.directory.read()[0].fault_windows[0].took_effect
        )

    def output(self) -> str:
        self._output.seek(0)
        return self._output.read()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._output.close()


@pytest.fixture
def run_in_fault(tmp_path: Path) -> Iterator[RunInFault]:
    run = RunInFault(tmp_path)
    yield run
    run.close()


@pytest.mark.parametrize(
    ("number", "exit_code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143)],
    ids=["SIGINT", "SIGTERM"],
)
def test_a_signal_heals_the_fault_and_leaves_no_server(
    run_in_fault: RunInFault, number: signal.Signals, exit_code: int
) -> None:
    run_in_fault.process.send_signal(number)
    assert run_in_fault.process.wait(timeout=15.0) == exit_code, run_in_fault.output()
    assert processes_marked(MARK, run_in_fault.mark) == []
    history, finals = run_in_fault.directory.read()
    assert history.fault_windows[0].healed_ns
    assert finals == ()
    assert f"stopped by {number.name}" in run_in_fault.output()


def test_killing_the_runner_leaves_no_server_within_three_seconds(
    run_in_fault: RunInFault,
) -> None:
    def marked() -> list[psutil.Process]:
        return processes_marked(MARK, run_in_fault.mark)

    assert len(marked()) > 4
    run_in_fault.process.kill()
    wait_until(lambda: not marked(), 3.0, marked)
    assert run_in_fault.directory.read()[0].operations
