"""The entry point: every wrong word gets one line that names the right ones, and exit code 2."""

from collections.abc import Sequence
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from harness.cli.cleanup import cleanup
from harness.cli.doctor import doctor
from harness.cli.gap import gap
from harness.cli.lab import lab
from harness.cli.load import load
from harness.cli.run import judge, run
from harness.cli.runs import diff, export, list_runs, report, show
from harness.cli.serve import serve
from harness.cli.shrink import shrink
from harness.cli.soak import soak
from harness.cli.sweep import sweep
from harness.cli.words import NamingGroup, one_line
from harness.errors import HarnessError

_COULD_NOT_RUN = 2
_INTERRUPTED = 130


@click.group(
    cls=NamingGroup,
    epilog="""\b
Examples:
  chroma-chaos doctor               what is installed, what is missing
  chroma-chaos run primary-down     break a lab, and prove what survived
  chroma-chaos show last            what the last run found
  chroma-chaos serve                all saved runs in a browser
  chroma-chaos lab up               a lab to play with by hand

\b
Exit codes: 0 pass, 1 fail, 2 unknown or could not run, 130 stopped by Ctrl-C.
""",
)
@click.version_option(package_name="chroma-chaos", message="%(prog)s %(version)s")
def chroma_chaos() -> None:
    """Break a replicated service on purpose, and prove that it keeps its promises."""


for command in (
    *(run, soak, load, sweep, gap, judge, shrink),
    *(list_runs, show, report, diff, export, serve),
    *(lab, cleanup, doctor),
):
    chroma_chaos.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code; errors are told on stderr."""
    try:
        code: Any = chroma_chaos.main(arguments, prog_name="chroma-chaos", standalone_mode=False)
    except NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return _COULD_NOT_RUN
    except click.ClickException as error:
        return _complain(one_line(error))
    except HarnessError as error:
        return _complain(str(error))
    except click.Abort:
        return _INTERRUPTED
    return code if isinstance(code, int) else 0


def _complain(message: str) -> int:
    click.echo(f"chroma-chaos: {message}", err=True)
    return _COULD_NOT_RUN
