"""The command `load`: users under load beside a lab, with faults or without."""

import secrets
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from harness.cli.lab_options import options_of, own_lab_options
from harness.cli.run import EXIT_CODES, SEED_BITS, announce, conduct
from harness.cli.runs import store
from harness.labs.memory import why_no_memory_limits
from harness.load.settings import LoadSettings, Upload
from harness.load.shapes import SHAPES
from harness.model.cost import read_costs
from harness.model.verdict import Outcome
from harness.report.load_table import print_load, write_load
from harness.report.summary import print_summary
from harness.runner.lab_choice import COMPOSE
from harness.runner.load_generator import locustfile
from harness.runner.load_scenario import load_scenario
from harness.runner.run import RunSettings
from harness.runner.run_directory import RunDirectory, default_run_directory
from harness.workloads.settings import WorkloadSettings
from harness.workloads.traffic import TRAFFIC, traffic_named

_DEFAULTS = LoadSettings()
_CONTENTS = WorkloadSettings()
_TRAFFIC_HELP = "\b\nTraffic:\n" + "\n".join(f"  {t.name:<8} {t.does}" for t in TRAFFIC.values())


@click.command(
    epilog=f"""{_TRAFFIC_HELP}

\b
Shapes: flat; ramp (ten stretches); spike (a tenth, all, a tenth); soak (flat, told in ten
stretches); steps (1, 2, 4, ... users: to saturation).

\b
Examples:
  chroma-chaos load --shape spike --fault primary-down
  chroma-chaos load --shape ramp --users 40 --seconds 60 --fault "kill postgres at 20 for 5"
  chroma-chaos load --shape steps --users 64 --seconds 70 --rate-per-user 0
  chroma-chaos load --traffic upload --users 10 --documents 50 --lb-memory 400
  chroma-chaos load --lb-command "python -m my_lb" --lb-ready /health

\b
Exit codes:
  0 pass   1 fail   2 unknown, or could not run   130, 143 stopped by Ctrl-C, SIGTERM
"""
)
@click.option("--traffic", default=_DEFAULTS.traffic, show_default=True, help="What users do.")
@click.option(
    "--shape",
    type=click.Choice(list(SHAPES)),
    default=_DEFAULTS.shape,
    show_default=True,
    help="How users come and go.",
)
@click.option(
    "--fault",
    "faults",
    metavar="WORDS",
    multiple=True,
    help="A scenario such as primary-down, or a fault with its times as in `run`; may be repeated.",
)
@click.option(
    "--users",
    type=click.IntRange(1, 5_000),
    default=_DEFAULTS.users,
    show_default=True,
    help="How many there are at most.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(5, 86_400),
    default=_DEFAULTS.seconds,
    show_default=True,
    help="How long they work at most.",
)
@click.option(
    "--rate-per-user",
    type=click.FloatRange(0, 1_000),
    default=_DEFAULTS.rate_per_user,
    show_default=True,
    help="Operations per second that each intends, whatever the answers; 0: when answered.",
)
@click.option("--seed", type=click.IntRange(0), help="Repeat the load of that seed.")
@click.option(
    "--collections",
    type=click.IntRange(1, 100),
    default=_CONTENTS.collections,
    show_default=True,
    help="How many collections users share.",
)
@click.option(
    "--skew",
    type=click.FloatRange(0, 5),
    default=1.0,
    show_default=True,
    help="How uneven files and collections are wanted: the exponent of Zipf's law.",
)
@click.option(
    "--dimensions",
    type=click.IntRange(1, 4096),
    default=_CONTENTS.dimensions,
    show_default=True,
    help="How long an embedding is.",
)
@click.option(
    "--document-bytes",
    type=click.IntRange(0, 100_000),
    default=0,
    show_default=True,
    help="How long the text of a document is at least.",
)
@click.option(
    "--documents",
    type=click.IntRange(1, 100_000),
    default=_DEFAULTS.upload.documents,
    show_default=True,
    help="Upload: documents of each user's collection.",
)
@click.option(
    "--documents-per-request",
    type=click.IntRange(1, 1_000),
    default=_DEFAULTS.upload.documents_per_request,
    show_default=True,
    help="Upload: how many of them one add has.",
)
@click.option(
    "--lb-memory",
    type=click.IntRange(64, 100_000),
    metavar="MB",
    help="Let the load balancer have so much from its start on, where the machine can limit it.",
)
@own_lab_options
@click.option(
    "--run-directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the run's files go; by default .runs/<time>-load-<shape>-<seed>.",
)
@click.option("--keep/--no-keep", default=True, help="Keep the files of a run that passed.")
def load(faults: tuple[str, ...], run_directory: Path | None, keep: bool, **said: Any) -> None:
    """Let users work on a lab under load, break it or not, and judge the run as any other.

    The users are locust's, in a process of its own. The report says what rate was reached and
    sustained, where the knee is, and what memory and backlog were over time.
    """
    console = Console()
    traffic_named(said["traffic"])
    locustfile(said["traffic"])
    seed = secrets.randbits(SEED_BITS) if said["seed"] is None else said["seed"]
    settings = _settings({**said, "seed": seed}, faults, run_directory)
    limited = {"needs": settings.scenario.needs, "lb_memory_bytes": _limit(console, said)}
    options, _ = options_of({**said, **limited})
    announce(console, settings)
    result = conduct(console, settings, options)
    costs = read_costs(settings.directory.samples)
    write_load(settings.directory.path / "load.txt", result.history, costs)
    print_summary(console, result.history, result.verdicts)
    print_load(console, result.history, costs)
    console.print(f"again:   {settings.command}", highlight=False, soft_wrap=True)
    if result.outcome is Outcome.PASS and not keep:
        shutil.rmtree(settings.directory.path)
    else:
        console.print(f"files:   {settings.directory.path}", highlight=False, soft_wrap=True)
    sys.exit(EXIT_CODES[result.outcome])


def _settings(
    said: dict[str, Any], faults: tuple[str, ...], run_directory: Path | None
) -> RunSettings:
    users = LoadSettings(
        traffic=said["traffic"],
        shape=said["shape"],
        users=said["users"],
        seconds=said["seconds"],
        rate_per_user=said["rate_per_user"],
        upload=Upload(said["documents"], said["documents_per_request"]),
    )
    contents = WorkloadSettings(
        name=said["traffic"],
        collections=said["collections"],
        skew=said["skew"],
        text_bytes=said["document_bytes"],
        dimensions=said["dimensions"],
    )
    scenario = load_scenario(users, faults, said["seed"])
    path = run_directory or default_run_directory(
        store().root, scenario.name, said["seed"], datetime.now(UTC)
    )
    words = [word for fault in faults for word in ("--fault", fault)]
    words += [
        word
        for name, value in said.items()
        if value is not None
        for word in (
            f"--{name.replace('_', '-')}",
            f"{value:g}" if isinstance(value, float) else str(value),
        )
    ]
    return RunSettings(
        scenario, said["seed"], RunDirectory(path), contents, tuple(words), load=users
    )


def _limit(console: Console, said: dict[str, Any]) -> int | None:
    """Say how much memory the load balancer may have; where it cannot be limited, that is told."""
    if said["lb_memory"] is None:
        return None
    if said["lab"] != COMPOSE and (why := why_no_memory_limits()):
        console.print(f"The memory of the lb is measured, and not limited: {why}", soft_wrap=True)
        return None
    return int(said["lb_memory"]) * 1_000_000
