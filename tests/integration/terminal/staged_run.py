"""Plays a run to a `ConsoleProgress`, as the runner does, until SIGUSR1 ends it."""

import signal
import sys
import threading

from rich.console import Console

from harness.model.operation import Completion
from harness.report.progress import ConsoleProgress
from harness.report.standing import Standing

OK, FAIL, INFO = Completion


def main() -> None:
    over = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: over.set())
    with ConsoleProgress(Console(), [("baseline", 3.0), ("primary down", 60.0)]) as progress:
        progress.phase("primary down", 60.0)
        progress.event("kill primary: injected")
        progress.tick(
            Standing(
                counts={OK: 1204, FAIL: 2, INFO: 0},
                per_second={OK: 38.0, FAIL: 0.7, INFO: 0.0},
                gap_seconds=0.213,
                states={"primary": "DOWN", "replica": "UP"},
                faults=("kill primary for 3 s",),
            )
        )
        over.wait()
    sys.stdout.write("verdict: pass\n")


if __name__ == "__main__":
    main()
