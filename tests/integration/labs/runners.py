"""Runners that tests start, to see what is left when they end in whatever way."""

import subprocess
import sys
from pathlib import Path

import psutil

from harness.labs.process_tree import runs
from harness.labs.workspace import RUN_MARKER
from tests.integration.labs.waiting import wait_until

RUNNER = Path(__file__).with_name("runner.py")
LIMIT_SECONDS = 3.0


class Runner:
    """A runner process, and everything that it started."""

    def __init__(self, directory: Path, command: tuple[str, ...]) -> None:
        self.directory = directory
        self.output = directory.with_suffix(".out")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.output.read_text()
        return "ready" in self.output.read_text()

    def has_data(self) -> bool:
        return (self.directory / "data").is_symlink()

    def data(self) -> Path:
        return (self.directory / "data").readlink()

    def started(self) -> list[psutil.Process]:
        """List what it has running now: its descendants, and all that bear its run's mark."""
        descendants = psutil.Process(self.process.pid).children(recursive=True)
        return list({*descendants, *self.marked()})

    def marked(self) -> list[psutil.Process]:
        run_id = self.run_id
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(RUN_MARKER) == run_id and runs(process):
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def note_run_id(self) -> None:
        wait_until(self.has_data, 20, self.output.read_text)
        self.run_id = self.data().name.split("-")[2]

    def assert_nothing_is_left(self, started: list[psutil.Process], data: Path) -> None:
        def left() -> list[psutil.Process]:
            return [process for process in {*started, *self.marked()} if runs(process)]

        wait_until(lambda: not left() and not data.exists(), LIMIT_SECONDS, left)
