"""Owns which files of a run may be looked at: those that were found in its directory, no others."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_MOST_FILES = 500
_TEXTS = frozenset({".txt", ".log", ".json", ".jsonl", ".edn", ".csv", ".yaml", ".toml"})


@dataclass(frozen=True)
class RunFile:
    """One regular file; `name` is its path in the run's directory."""

    name: str
    path: Path
    size_bytes: int

    @property
    def content_type(self) -> str:
        """What a browser is told: text to read, or bytes to keep. Never a page that could act."""
        is_text = self.path.suffix in _TEXTS
        return "text/plain" if is_text else "application/octet-stream"


def files_in(directory: Path) -> Mapping[str, RunFile]:
    """Find the files by their names, at most so many; links are not followed.

    Whoever takes a file from here by a name that a client sent cannot be led anywhere else.
    """
    found: dict[str, RunFile] = {}
    for path in _regular_files(directory):
        name = path.relative_to(directory).as_posix()
        found[name] = RunFile(name, path, path.stat().st_size)
        if len(found) == _MOST_FILES:
            break
    return dict(sorted(found.items(), key=lambda item: (item[0].count("/"), item[0])))


def is_nameable(name: str) -> bool:
    """Tell whether a page can show the name; what is no text (lone surrogates) is not printable."""
    return name.isprintable()


def _regular_files(directory: Path) -> Iterator[Path]:
    for parent, directories, names in os.walk(directory):
        directories.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if is_nameable(name) and path.is_file() and not path.is_symlink():
                yield path
