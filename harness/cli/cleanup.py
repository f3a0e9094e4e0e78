"""The command `cleanup`: removes what tests left behind, once it was shown what that would be."""

import asyncio

import click

from harness.cli.lab_options import CLIENT_TOKEN, LB_URL, PROTECT
from harness.client.guard import PROTECTED, TEST_PREFIXES, Guard
from harness.client.housekeeper import Housekeeper
from harness.errors import UsageError
from harness.labs.administration import bearer
from harness.runner.lab_choice import check_url


@click.command(
    epilog="""\b
Examples:
  chroma-chaos cleanup --lb-url https://lb.example.com
  chroma-chaos cleanup --lb-url https://lb.example.com --prefix AUTOTEST_7_ --apply

\b
Exit codes: 0 shown, or all removed; 1 something was not removed; 2 could not run.
"""
)
@LB_URL
@click.option(
    "--prefix",
    "prefixes",
    metavar="WORD",
    multiple=True,
    default=TEST_PREFIXES,
    show_default=True,
    help="Only collections whose names begin so; may be repeated.",
)
@PROTECT
@CLIENT_TOKEN
@click.option("--apply", is_flag=True, help="Remove them; without it they are only shown.")
def cleanup(
    lb_url: str | None,
    prefixes: tuple[str, ...],
    protected: tuple[str, ...],
    client_token: str,
    apply: bool,
) -> int:
    """Show the collections that tests left behind, or remove them through the load balancer.

    Only of the default database, and never a protected one.
    """
    if lb_url is None:
        raise UsageError("say where the load balancer is: --lb-url https://lb.example.com")
    if not all(prefixes):
        raise UsageError("--prefix '' would mean every collection: say how test names begin")
    check_url("--lb-url", lb_url)
    guard = Guard(prefixes, PROTECTED | frozenset(protected))
    keeper = Housekeeper(lb_url.rstrip("/"), guard, bearer(client_token))
    return asyncio.run(_clean(keeper, apply=apply))


async def _clean(keeper: Housekeeper, *, apply: bool) -> int:
    async with keeper:
        found = await keeper.found()
        if not apply:
            for name in found:
                click.echo(f"would remove {name}")
            click.echo(f"{len(found)} collections; nothing was removed (say --apply)")
            return 0
        failed = 0
        for name in found:
            answered = await keeper.remove(name)
            failed += bool(answered)
            click.echo(f"not removed {name}: {answered}" if answered else f"removed {name}")
    click.echo(f"{len(found) - failed} of {len(found)} collections were removed")
    return 1 if failed else 0
