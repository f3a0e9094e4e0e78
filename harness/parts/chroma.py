"""Finds the Chroma server, and knows the two ways to start it; starts none."""

import importlib.util
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness.errors import PartMissingError
from harness.parts.part import Part

# The Rust server's entry point is no public API: it is used for the version that it was tried
# with, and every other version is started by the documented command.
_DIRECT_CALL_VERSIONS = frozenset({"1.5.9"})
_DIRECT_CALL = (
    "import sys, chromadb_rust_bindings as b; sys.argv[0] = 'chroma'; sys.exit(b.cli(sys.argv))"
)


def find_chroma() -> Part:
    """Find Chroma in this environment; `source` says how its server is started."""
    try:
        found = version("chromadb")
    except PackageNotFoundError as error:
        raise PartMissingError(
            "Chroma was not found: the package chromadb is not installed here. Run `make setup`, "
            "or install chroma-chaos[harness]"
        ) from error
    bindings = importlib.util.find_spec("chromadb_rust_bindings")
    if found in _DIRECT_CALL_VERSIONS and bindings is not None and bindings.origin is not None:
        return Part("Chroma", found, Path(bindings.origin).parent, "Rust server called directly")
    return Part("Chroma", found, _chroma_script(), "chroma run")


def chroma_command(part: Part) -> tuple[str, ...]:
    """Give the command that `--path`, `--host` and `--port` are appended to."""
    if part.source == "chroma run":
        return (str(part.path), "run")
    return (sys.executable, "-c", _DIRECT_CALL, "run")


def _chroma_script() -> Path:
    beside_python = Path(sys.executable).parent / "chroma"
    if beside_python.is_file():
        return beside_python
    on_path = shutil.which("chroma")
    if on_path is None:
        raise PartMissingError(
            "Chroma's command `chroma` was not found beside Python nor on the PATH. "
            "Run `make setup`, or reinstall chromadb"
        )
    return Path(on_path)
