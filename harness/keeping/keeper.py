"""The keeper: the process that owns a lab after `chroma-chaos lab up` has returned.

It starts the lab, enters its servers into the register, and stops it on SIGTERM. Should it be
killed, the lab's warden cleans up as after any other runner.
"""

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from harness.errors import HarnessError, UsageError
from harness.keeping.register import LabRecord, LabRegister, ProcessRecord, ServerRecord
from harness.labs.own_servers import OwnServers
from harness.labs.process_tree import ProcessIdentity
from harness.runner.interruption import interruptible
from harness.runner.lab_choice import LabOptions, make_lab


async def keep(register: LabRegister, record: LabRecord) -> None:
    """Keep a lab until this is cancelled."""
    options = LabOptions(
        lab=record.lab,
        instance_count=record.instance_count,
        lb_command=record.lb_command,
        lb_image=record.lb_image,
        lb_ready=record.lb_ready_path,
    )
    lab = make_lab(options, Path(record.run_directory))
    if not isinstance(lab, OwnServers):
        raise UsageError(f"a lab of {record.lab} is not brought up, it is there")
    try:
        await lab.start()
        register.update(_with_servers(record, lab))
        await asyncio.Event().wait()
    finally:
        await lab.stop()
        register.remove(record.name)


def _with_servers(record: LabRecord, lab: OwnServers) -> LabRecord:
    proxied_urls = lab.proxied_urls()
    servers = tuple(
        ServerRecord(name, lab.urls()[name], proxied_urls.get(name), ProcessRecord.of(identity))
        for name, process in lab.processes().items()
        if (identity := process.identity) is not None
    )
    return msgspec.structs.replace(
        record,
        servers=servers,
        startup_seconds=dict(lab.startup_seconds),
        admin_headers=dict(lab.administration().headers),
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
