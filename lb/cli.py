"""The `chroma-lb` command: settings from the environment, one load balancer, clear exits."""

import asyncio
import gc
import logging
import signal
import sys
from importlib.metadata import version

import click
import uvloop

from lb.app import LoadBalancer
from lb.config import Settings, load_settings
from lb.errors import ConfigurationError, LoadBalancerError
from lb.failpoints import arm
from lb.logs import set_up_logs


def settings_help() -> str:
    """Describe every environment variable."""
    lines = []
    for name, field in Settings.model_fields.items():
        default = "required" if field.is_required() else f"default {field.default!r}"
        lines.append(f"  {name.upper()}\n      {field.description} ({default})")
    return "\n".join(lines)


EPILOG = f"""\b
Environment:
{settings_help()}

\b
Example:
  PRIMARY_URL=http://127.0.0.1:8001 REPLICA_URL=http://127.0.0.1:8002 \\
  DATABASE_URL=postgresql://user@127.0.0.1:5432/lb PORT=8000 chroma-lb
"""


@click.command(epilog=EPILOG, context_settings={"max_content_width": 100})
@click.version_option(version("chroma-chaos"), prog_name="chroma-lb")
def main() -> None:
    """Serve Chroma's API on PORT, highly available on two or more Chroma servers.

    Exit codes: 0 stopped by SIGTERM or SIGINT, 1 failed while running, 2 wrong settings.
    """
    try:
        settings = load_settings()
        arm(settings.armed_failpoints)
    except ConfigurationError as error:
        click.echo(f"chroma-lb: {error}", err=True)
        sys.exit(2)
    set_up_logs(settings.log_level, as_json=settings.logs_as_json)
    if settings.failpoints:
        logging.getLogger(__name__).warning("failpoints are armed: %s", settings.failpoints)
    sys.exit(_run(settings))


def _run(settings: Settings) -> int:
    """Run until a signal; an error that a user can act on is one line, any other a traceback."""
    _collect_less_often()
    try:
        uvloop.run(_serve(settings))
    except OSError as error:
        click.echo(
            f"chroma-lb: cannot listen on {settings.host}:{settings.port}: {error}", err=True
        )
        return 1
    except BaseExceptionGroup as group:
        expected, other = group.split(LoadBalancerError)
        if other is not None or expected is None:
            raise
        for cause in expected.exceptions:
            click.echo(f"chroma-lb: {cause}", err=True)
        return 1
    return 0


def _collect_less_often() -> None:
    """Look for garbage less often, and never among the modules.

    Many entries live at once under load, and each look goes through them: measured at 128 clients,
    looking as often as Python does by itself is a tenth of what an add costs.
    """
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await LoadBalancer(settings).run(stop)
    while not stop.is_set():  # It has handed over, and stands by for its successor.
        await LoadBalancer(settings, has_let_go=True).run(stop)
