"""The keeper: the process that owns a lab after `chroma-chaos lab up` has returned.

It starts the lab, enters its servers into the register, and stops it on SIGTERM. Should it be
killed, the lab's warden cleans up as after any other runner.
"""

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from harness.errors import HarnessError
from harness.keeping.register import LabRecord, LabRegister, ProcessRecord, ServerRecord
from harness.labs.process_tree import ProcessIdentity
from harness.labs.processes import ProcessLab, ProcessLabSettings
from harness.runner.interruption import interruptible


async def keep(register: LabRegister, record: LabRecord) -> None:
    """Keep a lab until this is cancelled."""
    lab = ProcessLab(
        ProcessLabSettings(
            run_directory=Path(record.run_directory),
            instance_count=record.instance_count,
            lb_command=record.lb_command,
            lb_ready_path=record.lb_ready_path,
        )
    )
    try:
        await lab.start()
        register.update(_with_servers(record, lab))
        await asyncio.Event().wait()
    finally:
        await lab.stop()
        register.remove(record.name)


def _with_servers(record: LabRecord, lab: ProcessLab) -> LabRecord:
    proxied_urls = lab.proxied_urls()
    servers = tuple(
        ServerRecord(name, lab.urls()[name], proxied_urls.get(name), ProcessRecord.of(identity))
        for name, process in lab.processes().items()
        if (identity := process.identity) is not None
    )
    return msgspec.structs.replace(
        record, servers=servers, startup_seconds=dict(lab.startup_seconds)
    )


def main() -> None:
    """Keep the lab that the arguments name: the runs root, and the name of its entry."""
    register = LabRegister(Path(sys.argv[1]))
    keeper = ProcessRecord.of(ProcessIdentity.of(os.getpid()))
    record = msgspec.structs.replace(register.get(sys.argv[2]), keeper=keeper)
    register.update(record)
    try:
        asyncio.run(interruptible(keep(register, record), print))
    except HarnessError as error:
        # The command that waits for this lab shows its log, which is this one line.
        register.remove(record.name)
        sys.exit(str(error))


if __name__ == "__main__":
    main()
