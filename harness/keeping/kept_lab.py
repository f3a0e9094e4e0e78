"""Labs that outlive their command, seen from the command: bringing up, looking at, taking down."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from harness.errors import LabError
from harness.keeping.register import LabRecord, LabRegister, ServerRecord
from harness.labs.process_tree import kill_tree
from harness.labs.readiness import answers_ok, healthy_instances, postgres_accepts, probe_client
from harness.polling import poll_until

# Images may have to be fetched first; each server has a time of its own, which is shorter.
_UP_TIMEOUT_SECONDS = 600.0
_DOWN_TIMEOUT_SECONDS = 10.0
_GONE_TIMEOUT_SECONDS = 3.0


async def bring_up(register: LabRegister, record: LabRecord) -> LabRecord:
    """Start a keeper for a new lab and return its record when all is healthy.

    Raises `LabError` with the keeper's own words. Cancelled, it takes the lab down again.
    """
    register.add(record)
    log_path = Path(record.run_directory) / "logs" / "keeper.log"
    keeper = _start_keeper(register, record, log_path)

    async def up() -> LabRecord | None:
        if keeper.poll() is not None:
            raise LabError(log_path.read_text(errors="replace").strip())
        current = register.find(record.name)
        return current if current is not None and current.servers else None

    try:
        return await poll_until(
            up, _UP_TIMEOUT_SECONDS, lambda: LabError(f"the lab did not start; see {log_path}")
        )
    except BaseException:
        keeper.terminate()
        await asyncio.to_thread(keeper.wait)
        register.remove(record.name)
        raise


async def take_down(register: LabRegister, record: LabRecord) -> None:
    """Have the keeper stop its lab, and return when no process of it is left."""
    keeper = record.keeper.identity.find() if record.keeper else None
    if keeper is not None:
        keeper.send_signal(signal.SIGTERM)

    async def gone() -> bool:
        return record.keeper is None or not record.keeper.is_alive()

    with contextlib.suppress(LabError):
        await poll_until(gone, _DOWN_TIMEOUT_SECONDS, lambda: LabError("the keeper hangs"))
    if record.keeper is not None:
        kill_tree(record.keeper.identity)
    for server in record.servers:
        kill_tree(server.process.identity)

    async def all_dead() -> bool:
        return not any(server.process.is_alive() for server in record.servers)

    await poll_until(
        all_dead, _GONE_TIMEOUT_SECONDS, lambda: LabError(f"{record.name}: servers do not die")
    )
    register.remove(record.name)


async def ailments(record: LabRecord) -> dict[str, str]:
    """Find what is wrong, by server; empty when everything in the lab is healthy."""
    if not record.servers:
        return {"lab": "is starting"}
    async with probe_client() as client:
        found = {server.name: await _ailment(client, record, server) for server in record.servers}
    return {name: ailment for name, ailment in found.items() if ailment is not None}


def _start_keeper(
    register: LabRegister, record: LabRecord, log_path: Path
) -> subprocess.Popen[bytes]:
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "harness.keeping.keeper", str(register.root), record.name],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


async def _ailment(
    client: httpx.AsyncClient, record: LabRecord, server: ServerRecord
) -> str | None:
    if not server.process.is_alive():
        return "is dead"
    match server.name:
        case "postgres":
            well = await postgres_accepts(urlsplit(server.url).port or 0)
        case "toxiproxy":
            well = await answers_ok(client, f"{server.url}/version")
        case "lb":
            return await _lb_ailment(client, record, server.url)
        case _:
            well = await answers_ok(client, f"{server.url}/api/v2/heartbeat")
    return None if well else "does not answer"


async def _lb_ailment(client: httpx.AsyncClient, record: LabRecord, url: str) -> str | None:
    if not await answers_ok(client, url + record.lb_ready_path):
        return f"{record.lb_ready_path} does not answer 200"
    healthy = await healthy_instances(client, url)
    if healthy is None or healthy == record.instance_count:
        return None
    return f"takes {healthy} of {record.instance_count} instances for healthy"
