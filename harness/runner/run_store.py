"""Owns the saved runs under one directory: which there are, and which one a word means."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec

from harness.errors import RunDirectoryError
from harness.model.history import Limits
from harness.model.verdict import Outcome, Verdict
from harness.runner.run_directory import RunDirectory, read_json

LATEST = "last"


class Judgement(msgspec.Struct, frozen=True):
    """What was said of a run when it ended."""

    outcome: Outcome
    limits: Limits
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True)
class SavedRun:
    """A run as its files describe it; one that was interrupted has no judgement."""

    directory: RunDirectory
    description: Mapping[str, Any]
    judgement: Judgement | None

    @property
    def name(self) -> str:
        """The word for it."""
        return self.directory.path.name

    def figures(self) -> dict[str, float]:
        """Return the figures of all checkers, as `checker.figure`."""
        verdicts = self.judgement.verdicts if self.judgement else ()
        return {
            f"{verdict.checker}.{name}": value
            for verdict in verdicts
            for name, value in verdict.figures.items()
        }


@dataclass(frozen=True)
class RunStore:
    """The runs whose directories lie in `root`."""

    root: Path

    @classmethod
    def from_environment(cls) -> Self:
        """Return the runs under CHROMA_CHAOS_RUNS, by default .runs."""
        return cls(Path(os.environ.get("CHROMA_CHAOS_RUNS", ".runs")))

    def runs(self) -> list[SavedRun]:
        """Read all runs, the oldest first; what is no run, or cannot be read, is left out."""
        return self.readable_and_torn()[0]

    def readable_and_torn(self) -> tuple[list[SavedRun], dict[str, str]]:
        """Read all runs, the oldest first; also name those that cannot be read, and say why."""
        runs: list[SavedRun] = []
        torn: dict[str, str] = {}
        for path in sorted(self.root.iterdir()) if self.root.is_dir() else ():
            directory = RunDirectory(path)
            if not directory.description.is_file():
                continue
            try:
                runs.append(read_run(directory))
            except RunDirectoryError as error:
                torn[path.name] = str(error)
        runs.sort(key=lambda run: (str(run.description.get("started_at")), run.name))
        return runs, torn

    def find(self, word: str) -> SavedRun:
        """Find a run by its directory, by its name in the store, or the `last` one.

        Raises `RunDirectoryError` that says where was looked.
        """
        if word == LATEST and (runs := self.runs()):
            return runs[-1]
        for path in (Path(word), self.root / word):
            if RunDirectory(path).description.is_file():
                return read_run(RunDirectory(path))
        raise RunDirectoryError(
            f"there is no run {word!r}, neither here nor in {self.root}: see `chroma-chaos list`"
        )


def read_run(directory: RunDirectory) -> SavedRun:
    """Read what the files say of a run; raises `RunDirectoryError` for torn or foreign ones."""
    description = read_json(directory.description, dict[str, Any], "run")
    judgement = None
    if directory.verdict.is_file():
        judgement = read_json(directory.verdict, Judgement, "run")
    return SavedRun(directory, description, judgement)
