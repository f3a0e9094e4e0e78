"""The command `serve`: all saved runs as pages, until Ctrl-C."""

import asyncio
import signal
from pathlib import Path

import click

from harness.cli.runs import store
from harness.errors import UsageError

DEFAULT_PORT = 8600


@click.command(
    epilog="""\b
Examples:
  chroma-chaos serve
  chroma-chaos serve --port 0 --runs /var/tmp/runs

\b
Exit codes: 0 ended by Ctrl-C or SIGTERM, 2 could not serve.
"""
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Where to listen; 0 takes any that is free.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen at. Nobody is asked for a password: keep it to this machine.",
)
@click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    help="The directory of the runs; by default .runs, or $CHROMA_CHAOS_RUNS.",
)
def serve(port: int, host: str, runs: Path | None) -> None:
    """Show all saved runs in a browser: lists, reports, comparisons, trends, gaps, the kill matrix.

    It reads the directory anew for every page, and writes nothing.
    """
    root = runs or store().root
    if runs is not None and not runs.is_dir():
        raise UsageError(f"there is no directory {runs}: name that of the runs")
    asyncio.run(_serve(root, host, port))


async def _serve(root: Path, host: str, port: int) -> None:
    # Imported here: a web server would make every other command start later.
    from harness.store.app import Server

    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with Server(root, host, port) as url:
        click.echo(f"runs in {root}: {url}\nCtrl-C ends it")
        await over.wait()
    click.echo("ended")
