"""Owns which runs there are under a root, found anew each time, read again when changed."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from harness.errors import RunDirectoryError
from harness.runner.run_directory import RunDirectory
from harness.store.files import is_nameable
from harness.store.glance import Glance, glance_at

Stamp = tuple[tuple[int, int], ...]


class Index:
    """Runs in `root`, and one directory deeper those of gaps, mutants and tries of shrinking.

    Usable from several threads at once.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, tuple[Stamp, Glance]] = {}
        self._lock = threading.Lock()

    def glances(self) -> list[Glance]:
        """Look at every run, the newest first."""
        with self._lock:
            found = {name: self._glance(name) for name in self._names()}
            self._known = {name: self._known[name] for name in found}
        return sorted(found.values(), key=lambda run: (run.started_at, run.name), reverse=True)

    def directory(self, name: str) -> RunDirectory:
        """Find the run of that name; raises `RunDirectoryError` for a name that no run has.

        A name is looked up among those that were found, so that it leads nowhere else.
        """
        if name not in set(self._names()):
            raise RunDirectoryError(f"there is no run {name!r} in {self.root}")
        return RunDirectory(self.root / name)

    def _glance(self, name: str) -> Glance:
        directory = RunDirectory(self.root / name)
        files = (directory.description, directory.verdict, directory.report)
        stamp = tuple(_stamp(file) for file in files)
        known = self._known.get(name)
        if known is None or known[0] != stamp:
            self._known[name] = known = (stamp, glance_at(directory, name))
        return known[1]

    def _names(self) -> Iterator[str]:
        for directory in _directories(self.root):
            if _is_run(directory):
                yield directory.name
                continue
            for inner in _directories(directory):
                if _is_run(inner):
                    yield f"{directory.name}/{inner.name}"


def _directories(path: Path) -> list[Path]:
    """List what is in it; what cannot be read, or has just gone, has nothing in it."""
    try:
        with os.scandir(path) as entries:
            return [
                Path(entry)
                for entry in entries
                if is_nameable(entry.name) and entry.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return []


def _is_run(path: Path) -> bool:
    """Tell whether a run was begun there; `run.json` is the first file that it writes."""
    directory = RunDirectory(path)
    return any(each.is_file() for each in (directory.description, directory.history))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size
