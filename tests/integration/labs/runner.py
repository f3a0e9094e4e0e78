"""A runner for the tests of its end: starts a lab in the directory it is given, and waits.

`--compose` makes it one of containers, with our own load balancer. What follows `--fault` is the
name of one that is injected and never healed.
"""

import asyncio
import signal
import sys
from itertools import pairwise
from pathlib import Path

from harness.faults.base import needs_of
from harness.faults.registry import fault_named
from harness.labs.compose import ComposeLab, ComposeLabSettings
from harness.labs.processes import ProcessLab, ProcessLabSettings
from harness.runner.interruption import InterruptedRunError, interruptible


async def main() -> None:
    directory = Path(sys.argv[1])
    words = sys.argv[2:]
    faults = [fault_named(name) for option, name in pairwise(words) if option == "--fault"]
    lab: ComposeLab | ProcessLab
    if "--compose" in words:
        lab = ComposeLab(ComposeLabSettings(directory, needs=needs_of(faults)))
    else:
        lb_command = (sys.executable, str(Path(__file__).with_name("forwarding_lb.py")))
        lab = ProcessLab(
            ProcessLabSettings(directory, lb_command=lb_command, needs=needs_of(faults))
        )
    try:
        await lab.start()
        for fault in faults:
            await fault.inject(lab)
        if "--raise" in words:
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
