"""A runner for the tests of its end: starts a lab in the directory it is given, and waits.

`--compose` makes it one of containers, with our own load balancer.
"""

import asyncio
import signal
import sys
from pathlib import Path

from harness.labs.compose import ComposeLab, ComposeLabSettings
from harness.labs.processes import ProcessLab, ProcessLabSettings
from harness.runner.interruption import InterruptedRunError, interruptible


async def main() -> None:
    directory = Path(sys.argv[1])
    lab: ComposeLab | ProcessLab
    if "--compose" in sys.argv:
        lab = ComposeLab(ComposeLabSettings(directory))
    else:
        lb_command = (sys.executable, str(Path(__file__).with_name("forwarding_lb.py")))
        lab = ProcessLab(ProcessLabSettings(directory, lb_command=lb_command))
    try:
        await lab.start()
        if "--raise" in sys.argv:
            raise ValueError("something unforeseen")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()
    finally:
        await lab.stop()


if __name__ == "__main__":
    # As at a terminal, also where tests run under nohup.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        asyncio.run(interruptible(main(), print))
    except InterruptedRunError as error:
        sys.exit(error.exit_code)
