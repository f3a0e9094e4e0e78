"""The doctor: looks whether every real part is there; installs nothing."""

import contextlib
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from harness.errors import LabError, PartMissingError
from harness.labs.containers.engine import Engine
from harness.labs.containers.images import HINT, SERVICES, find_compose_file
from harness.parts.chroma import find_chroma
from harness.parts.faketime import find_faketime
from harness.parts.part import Part
from harness.parts.postgres import find_postgres
from harness.parts.toxiproxy import find_toxiproxy

_LB_LIBRARIES = ("aiohttp", "aiosql", "asyncpg", "prometheus_client", "pydantic_settings")


@dataclass(frozen=True)
class Finding:
    """What the doctor found of one part; `missing` says what to do when it is not there.

    Without an optional part, what needs it is refused, and everything else works.
    """

    name: str
    version: str = ""
    where: str = ""
    missing: str | None = None
    is_optional: bool = False


def examine() -> tuple[Finding, ...]:
    """Look for every part that a lab needs, or that some faults need."""
    return (
        Finding("Python", platform.python_version(), sys.executable),
        _finding("PostgreSQL", find_postgres),
        _finding("Chroma", find_chroma),
        _finding("Toxiproxy", find_toxiproxy),
        _load_balancer(),
        replace(_finding("libfaketime", find_faketime), is_optional=True),
        examine_containers(),
    )


def examine_containers() -> Finding:
    """Look for what `--lab compose` takes: an engine, and the images of compose.yaml."""
    name = "Docker"
    try:
        with contextlib.closing(Engine()) as engine:
            file = find_compose_file(lambda image: bool(engine.image_id(image)))
            images = {file.service(service).image for service in SERVICES}
            absent = sorted(image for image in images if not engine.image_id(image))
    except (PartMissingError, LabError) as error:
        return Finding(name, missing=f"{error}; only --lab compose needs it", is_optional=True)
    if absent:
        told = f"{', '.join(absent)}: not in the engine, and fetched when --lab compose starts"
        return Finding(name, missing=f"{told}. {HINT}", is_optional=True)
    return Finding(name, engine.version, f"{engine.address}, {len(images)} images")


def _finding(name: str, find: Callable[[], Part]) -> Finding:
    try:
        part = find()
    except PartMissingError as error:
        return Finding(name, missing=str(error))
    return Finding(name, part.version, f"{part.path} ({part.source})")


def _load_balancer() -> Finding:
    # Only looked for: the harness does not know the load balancer from inside.
    absent = [name for name in ("lb", *_LB_LIBRARIES) if find_spec(name) is None]
    if absent:
        return Finding(
            "lb",
            missing=f"our load balancer lacks {', '.join(absent)}: run `make setup`, install "
            "chroma-chaos[lb], or name another load balancer by --lb-command",
        )
    spec = find_spec("lb")
    where = (spec.origin if spec else None) or ""
    try:
        return Finding("lb", version("chroma-chaos"), where)
    except PackageNotFoundError:
        return Finding("lb", "not installed", where)
