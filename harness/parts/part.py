"""One real part that was found: the value that the lab starts from and the doctor prints."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.errors import PartMissingError


@dataclass(frozen=True)
class Part:
    """A part that can be started. `source` says how it was found, in words for a person."""

    name: str
    version: str
    path: Path
    source: str


def version_line(binary: Path) -> str:
    """Ask a binary for its version; raises `PartMissingError` when it does not run."""
    try:
        answer = subprocess.run(
            [str(binary), "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise PartMissingError(
            f"{binary} does not run ({error}); remove it or replace it by one for this machine"
        ) from error
    return answer.stdout.strip()
