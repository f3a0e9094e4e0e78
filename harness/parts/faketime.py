"""Finding libfaketime, which some faults need and no lab must have."""

import os
from collections.abc import Mapping
from pathlib import Path

from harness.errors import PartMissingError
from harness.parts.part import Part

SETTING = "CHROMA_CHAOS_LIBFAKETIME"
_NAME = "libfaketimeMT.so.1"
_ROOT = Path("/usr")
# The library does not say its version; the faults check what it does.
_VERSION = "any"


def find_faketime(environment: Mapping[str, str] = os.environ) -> Part:
    """Find the library for programs with threads; raises `PartMissingError`."""
    if configured := environment.get(SETTING):
        if Path(configured).is_file():
            return Part("libfaketime", _VERSION, Path(configured), SETTING)
        raise PartMissingError(f"{SETTING} is {configured}, which is no file")
    # Where Debian, Fedora, and a `make install` put it.
    for pattern in ("lib/*/faketime", "lib/faketime", "lib64/faketime", "local/lib/faketime"):
        for path in sorted(_ROOT.glob(f"{pattern}/{_NAME}")):
            return Part("libfaketime", _VERSION, path, "the system")
    raise PartMissingError(
        f"{_NAME} is not there: clock-shift needs it; install the package"
        f" `faketime`, or name the library in {SETTING}"
    )
