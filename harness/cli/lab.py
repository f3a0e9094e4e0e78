"""The commands `lab up`, `status`, `down`, `leftovers`: labs for playing by hand, and remains."""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

import click

from harness.cli.columns import columns
from harness.cli.lab_options import options_of, own_lab_options
from harness.cli.recipes import curl_lines
from harness.cli.words import NamingGroup
from harness.errors import UsageError
from harness.keeping.kept_lab import ailments, bring_up, take_down
from harness.keeping.register import LabRecord, LabRegister
from harness.labs.containers.engine import Engine
from harness.labs.containers.project import leftovers as find_leftovers
from harness.labs.containers.project import remove
from harness.labs.processes import ProcessLabSettings
from harness.runner.interruption import InterruptedRunError, interruptible
from harness.runner.lab_choice import PROCESSES


@click.group(cls=NamingGroup)
def lab() -> None:
    """Keep labs for playing by hand: real servers behind a load balancer.

    A lab outlives the command that brings it up. Its entry is in .runs/labs, or in
    $CHROMA_CHAOS_RUNS/labs; its logs stay in its run directory.
    """


@lab.command(
    epilog="""\b
Examples:
  chroma-chaos lab up
  chroma-chaos lab up --instances 3
  chroma-chaos lab up --lab compose --instances 3
  chroma-chaos lab up --lb-command "python -m my_lb" --lb-ready /health
"""
)
@click.option(
    "--instances",
    "instance_count",
    type=click.IntRange(1, 9),
    default=ProcessLabSettings.instance_count,
    show_default=True,
    help="How many Chroma servers; 2 or 3 in containers.",
)
@own_lab_options
@click.option(
    "--run-directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where logs go; its last part names the lab. By default .runs/lab-<number>.",
)
def up(run_directory: Path | None, **said: Any) -> int:
    """Bring up a lab that stays until it is taken down, and print its addresses."""
    options, _ = options_of(said)
    register = LabRegister.from_environment()
    directory = (run_directory or register.root / register.next_name()).resolve()
    wanted = LabRecord(
        name=directory.name,
        run_directory=str(directory),
        lab=options.lab or PROCESSES,
        instance_count=options.instance_count,
        lb_command=options.lb_command,
        lb_image=options.lb_image,
        lb_ready_path=options.lb_ready or ProcessLabSettings.lb_ready_path,
        created_seconds=time.time(),
    )
    try:
        record = asyncio.run(interruptible(bring_up(register, wanted), click.echo))
    except InterruptedRunError as error:
        return error.exit_code
    click.echo(_description(record))
    return 0


@lab.command(
    epilog="""\b
Example:
  chroma-chaos lab status

\b
Exit codes: 0 all labs are healthy, or there is none; 1 something is not.
"""
)
def status() -> int:
    """Show every lab that is up: its age, its servers, their addresses and their health."""
    register = LabRegister.from_environment()
    records = register.records()
    if not records:
        click.echo(f"no lab is up ({register.root}); bring one up by `chroma-chaos lab up`")
    healthy = True
    for record in records:
        found = asyncio.run(ailments(record))
        healthy = healthy and not found
        click.echo(_state(record, found))
    return 0 if healthy else 1


@lab.command(
    epilog="""\b
Examples:
  chroma-chaos lab down
  chroma-chaos lab down lab-2
  chroma-chaos lab down --all
"""
)
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True, help="Take all labs down.")
def down(name: str | None, every: bool) -> int:
    """Take a lab down and remove its data; its logs stay. NAME may be left out when it is alone."""
    register = LabRegister.from_environment()
    for record in _chosen(register, name, every):
        asyncio.run(take_down(register, record))
        click.echo(f"{record.name} is down; its logs are in {record.run_directory}/logs")
    return 0


@lab.command(
    epilog="""\b
Examples:
  chroma-chaos lab leftovers
  chroma-chaos lab leftovers --apply
"""
)
@click.option("--apply", is_flag=True, help="Remove them; without it they are only shown.")
def leftovers(*, apply: bool) -> int:
    """Show the containers, networks and volumes of runs whose runner is gone, or remove them.

    The next start of a lab of containers removes them, too.
    """
    with contextlib.closing(Engine()) as engine:
        found = find_leftovers(engine)
        for remains in found:
            things = (*remains.containers, *remains.networks, *remains.volumes)
            if apply:
                remove(engine, remains)
            done = "removed" if apply else "would remove"
            click.echo(f"{done} run {remains.run_id}: {', '.join(things)}")
    if not found:
        click.echo("nothing is left of any run")
    elif not apply:
        click.echo("nothing was removed (say --apply)")
    return 0


def _chosen(register: LabRegister, name: str | None, every: bool) -> tuple[LabRecord, ...]:
    if name is not None and every:
        raise UsageError("name one lab, or say --all; not both")
    if name is not None:
        return (register.get(name),)
    records = register.records()
    if len(records) > 1 and not every:
        names = ", ".join(record.name for record in records)
        raise UsageError(f"several labs are up: {names}; name one, or say --all")
    if not records:
        click.echo(f"no lab is up ({register.root})")
    return records


def _description(record: LabRecord) -> str:
    seconds = record.startup_seconds
    steps = ", ".join(f"{name} {seconds[name]:.2f} s" for name in seconds if name != "all healthy")
    return "\n".join(
        (
            f"{record.name}: all healthy after {seconds['all healthy']:.2f} s ({steps})",
            "",
            columns(_addresses(record)),
            "",
            "Try it:",
            "",
            *curl_lines(record.url("lb")),
            *_for_administrators(record),
            "",
            f"Logs are in {record.run_directory}/logs. "
            f"Take it down by: chroma-chaos lab down {record.name}",
        )
    )


def _for_administrators(record: LabRecord) -> tuple[str, ...]:
    """Give a line for the endpoints that take a token; none where they take none."""
    headers = (f"-H '{name}: {value}'" for name, value in record.admin_headers.items())
    said = " ".join(headers)
    return (f"curl -s {said} {record.url('lb')}/admin/instances",) if said else ()


def _addresses(record: LabRecord) -> list[tuple[str, str, str]]:
    rows = [("server", "address", "address through toxiproxy")]
    rows += [(server.name, server.url, server.proxied_url or "") for server in record.servers]
    return rows


def _state(record: LabRecord, found: dict[str, str]) -> str:
    minutes, seconds = divmod(int(time.time() - record.created_seconds), 60)
    health = "; ".join(f"{name} {ailment}" for name, ailment in found.items()) or "healthy"
    rows = [("server", "pid", "state", "address")]
    for server in record.servers:
        state = found.get(server.name, "healthy")
        rows.append((server.name, str(server.process.pid), state, server.url))
    return f"{record.name}: {health}, up {minutes} min {seconds} s\n{columns(rows)}"
