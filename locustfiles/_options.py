"""The options that every locustfile here adds to locust's own, and what they say."""

import os
import secrets
from argparse import Action, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.load.settings import LoadSettings, Upload
from harness.load.shapes import SHAPES
from harness.load.thresholds import Thresholds
from harness.model.history import Header, Limits
from harness.runner.run_directory import default_run_directory
from harness.workloads.settings import WorkloadSettings
from harness.workloads.traffic import TRAFFIC

SEED_BITS = 31
DEFAULT_SECONDS = 30.0
_DEFAULTS = WorkloadSettings()


_USAGE = "locust -f locustfiles/TRAFFIC.py --headless --host URL --users N -t SECONDSs [options]"
_EXAMPLES = """\
examples:
  locust -f locustfiles/cms.py --headless --host http://lb.example.com:8000 --users 20 -t 60s
  locust -f locustfiles/cms.py --headless --host http://lb.example.com:8000 --users 64 -t 70s \\
      --shape steps --rate-per-user 0
  locust -f locustfiles/upload.py --headless --host http://lb.example.com:8000 --users 10
  locust -f locustfiles/search.py,locustfiles/ingest.py --headless --host ... --users 20 \\
      --max-p95-ms 200
  locust -f locustfiles/cms.py --headless --host ... --users 40 -t 60s --processes 2
"""


class _HelpOfLoad(Action):
    """Prints the options here alone: locust prints its own help before it has read this file."""

    def __call__(self, parser: ArgumentParser, *_: Any, **__: Any) -> None:
        kinds = "\n".join(f"  {kind.name:<8} {kind.does}" for kind in TRAFFIC.values())
        ours = ArgumentParser(
            usage=_USAGE,
            description=f"Users under load, and a history of all requests. TRAFFIC:\n{kinds}",
            epilog=_EXAMPLES,
            formatter_class=RawDescriptionHelpFormatter,
            add_help=False,
        )
        add_options(ours)
        ours.print_help()
        parser.exit()


def add_options(parser: ArgumentParser) -> None:
    """Add them, in groups of their own."""
    parser.add_argument("--help-load", action=_HelpOfLoad, nargs=0, help="show what follows, alone")
    load = parser.add_argument_group(
        "chroma-chaos: the load",
        "--users says how many users there are at most, -t for how long "
        f"({DEFAULT_SECONDS:g} s by default).\n--spawn-rate is of no importance.",
    )
    load.add_argument("--shape", choices=list(SHAPES), default="flat", help="how users come and go")
    load.add_argument(
        "--rate-per-user",
        type=float,
        default=LoadSettings().rate_per_user,
        metavar="N",
        help="operations per second that each user intends, whatever the answers; 0: as soon as "
        "it was answered (default: %(default)g)",
    )
    load.add_argument("--seed", type=int, help="repeat the contents and choices of that seed")
    load.add_argument(
        "--collections",
        type=int,
        default=_DEFAULTS.collections,
        metavar="N",
        help="how many collections users share (default: %(default)s)",
    )
    load.add_argument(
        "--skew",
        type=float,
        default=1.0,
        metavar="N",
        help="how uneven files and collections are wanted: the exponent of Zipf's law (default: 1)",
    )
    load.add_argument(
        "--dimensions",
        type=int,
        default=_DEFAULTS.dimensions,
        metavar="N",
        help="how long an embedding is (default: %(default)s)",
    )
    load.add_argument(
        "--document-bytes",
        type=int,
        default=_DEFAULTS.text_bytes,
        metavar="N",
        help="how long the text of a document is at least (default: %(default)s)",
    )
    _add_upload(parser)
    kept = parser.add_argument_group(
        "chroma-chaos: the history",
        "Every request goes into a history, which `chroma-chaos judge DIRECTORY` judges.\n"
        "Collections are created under names that begin with AUTOTEST_ and the seed, and stay.",
    )
    kept.add_argument(
        "--run-directory", metavar="DIRECTORY", help="where it goes; by default a new one in .runs"
    )
    _add_thresholds(parser)


def _add_upload(parser: ArgumentParser) -> None:
    upload = Upload()
    group = parser.add_argument_group("chroma-chaos: uploads")
    group.add_argument(
        "--documents",
        type=int,
        default=upload.documents,
        metavar="N",
        help="documents of each user's collection (default: %(default)s)",
    )
    group.add_argument(
        "--documents-per-request",
        type=int,
        default=upload.documents_per_request,
        metavar="N",
        help="how many of them one add has (default: %(default)s)",
    )


def _add_thresholds(parser: ArgumentParser) -> None:
    must = parser.add_argument_group(
        "chroma-chaos: thresholds",
        "Exit code 0 when all are kept, 1 when one is not, 2 when there was no request.\n"
        "Latencies count from the intended start of a request, so a stalled user hides nothing.",
    )
    must.add_argument(
        "--max-fail-ratio",
        type=float,
        default=0.0,
        metavar="N",
        help="share of requests that may fail (default: 0)",
    )
    must.add_argument("--max-p95-ms", type=float, metavar="N", help="95th percentile at most")
    must.add_argument("--max-p99-ms", type=float, metavar="N", help="99th percentile at most")
    must.add_argument("--min-rate", type=float, metavar="N", help="requests per second at least")


def complete(options: Namespace, now: datetime) -> None:
    """Fill in what was not said, so that master and workers mean the same."""
    if options.seed is None:
        options.seed = secrets.randbits(SEED_BITS)
    if not options.run_time:
        options.run_time = DEFAULT_SECONDS
    if options.run_directory is None:
        root = Path(os.environ.get("CHROMA_CHAOS_RUNS", ".runs"))
        options.run_directory = default_run_directory(
            root, f"locust-{options.shape}", options.seed, now
        )
    # Workers may be started elsewhere on the machine.
    options.run_directory = str(Path(options.run_directory).resolve())


def header_of(options: Namespace, traffic: str) -> Header:
    """Say what a checker must know of the load; nothing is promised beyond what always holds."""
    return Header(
        scenario=f"locust-{options.shape}",
        seed=options.seed,
        dimensions=options.dimensions,
        prefix=f"AUTOTEST_{options.seed}_",
        limits=Limits(failed_operations=None, gap_seconds=None),
        workload=traffic,
        text_bytes=options.document_bytes,
    )


def settings_of(options: Namespace, traffic: str) -> WorkloadSettings:
    """Say what a user's choices are made by."""
    return WorkloadSettings(
        name=traffic,
        collections=options.collections,
        skew=options.skew,
        text_bytes=options.document_bytes,
        dimensions=options.dimensions,
    )


def upload_of(options: Namespace) -> Upload:
    """Say what a user of `upload` uploads."""
    return Upload(options.documents, options.documents_per_request)


def thresholds_of(options: Namespace) -> Thresholds:
    """Say what is to be reached."""
    return Thresholds(
        max_fail_ratio=options.max_fail_ratio,
        max_p95_ms=options.max_p95_ms,
        max_p99_ms=options.max_p99_ms,
        min_rate=options.min_rate,
    )


def now() -> datetime:
    """Read the clock of the wall, for the name of a directory."""
    return datetime.now(UTC)
