"""Finds the Toxiproxy server; its API is spoken by `harness.labs.toxiproxy`."""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from harness.errors import PartMissingError
from harness.parts.part import Part, version_line

SETTING = "CHROMA_CHAOS_TOXIPROXY"
_IN_PROJECT = Path(".tools/bin/toxiproxy-server")
# `go install` leaves the release number out of `--version`, but Go writes it into the binary.
_GO_MODULE = re.compile(rb"mod\tgithub\.com/Shopify/toxiproxy/v2\tv([0-9.]+)")


def find_toxiproxy(
    environment: Mapping[str, str] = os.environ, directory: Path | None = None
) -> Part:
    """Find `toxiproxy-server`: the setting, then the project's own, then the PATH."""
    setting = environment.get(SETTING)
    if setting:
        return _part(Path(setting), SETTING)
    in_project = _project_binary(directory or Path.cwd())
    if in_project is not None:
        return _part(in_project, "the project's .tools")
    on_path = shutil.which("toxiproxy-server", path=environment.get("PATH"))
    if on_path is not None:
        return _part(Path(on_path), "the PATH")
    raise PartMissingError(
        f"Toxiproxy was not found: neither {SETTING}, nor {_IN_PROJECT} here or above, nor "
        "toxiproxy-server on the PATH. Run `make setup` in the project, which installs it"
    )


def _project_binary(directory: Path) -> Path | None:
    for parent in (directory, *directory.parents):
        candidate = parent / _IN_PROJECT
        if candidate.is_file():
            return candidate
    return None


def _part(path: Path, source: str) -> Part:
    if not os.access(path, os.X_OK):
        raise PartMissingError(
            f"{path} (from {source}) is not a program; name toxiproxy-server, or unset it"
        )
    return Part("Toxiproxy", _version(path), path, source)


def _version(path: Path) -> str:
    printed = version_line(path).rsplit(" ", 1)[-1]
    if printed != "git":
        return printed
    built_in = _GO_MODULE.search(path.read_bytes())
    return built_in.group(1).decode() if built_in else printed
